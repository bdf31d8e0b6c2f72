"""Kubernetes and OpenShift: what Prometheus or Thanos says of pods, nodes and volume claims."""
