"""What do raw records of a Kubernetes cluster look like?"""

from __future__ import annotations

from meterhouse.sources.raw_table import INT, TEXT, TIME, RawTable, raw_table

TABLES: list[RawTable] = [
    *[
        raw_table(
            f"kubernetes_{name}",
            "first_time",
            doc,
            query=TEXT,  # what was asked: pod_cpu_request ...; `answered`: when a query had answers
            cluster=TEXT,
            namespace=TEXT,
            pod=TEXT,
            uid=TEXT,  # of the pod; null unless every request of the reading says one
            claim=TEXT,  # persistent volume claim
            node=TEXT,
            instance=TEXT,  # UUID of a VM that a hypervisor's exporter names
            resource_name=TEXT,  # cpu, memory, nvidia.com/gpu ...; of `answered`: the query that was
            label=TEXT,  # of what is only labels, which one `value` is: gpu_product, node_model, pi ...
            labels=TEXT,  # JSON text: every label of the series; null when the columns say them all
            value=TEXT,  # as said: the sample, or the label's text
            quantity=INT,  # millionths of a core, bytes or a count, half up; null of what is only labels
            first_time=TIME,
            last_time=TIME,  # of the last sample in the run
            step_seconds=INT,
            samples=INT,
        )
        for name, doc in (
            (
                "series",
                "What Prometheus or Thanos said of requests, labels and claims: a row is a run of equal "
                "samples of one series, a step apart",
            ),
            ("usage", "What Prometheus or Thanos said was used by pods, claims and VMs: a row a sample"),
        )
    ],
]
