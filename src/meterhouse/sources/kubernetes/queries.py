"""What is Prometheus asked about a cluster? Each query with its PromQL, its unit and what it belongs to.

Queries of one group are kept together or not at all: pods without the answer about GPUs would look like
pods without GPUs. Each group has a cursor and coverage of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Unit = Literal["cores", "bytes", "count", "labels"]

# What a label says, and which labels say it: the first that a series has. Settings may name others.
LABELS: dict[str, tuple[str, ...]] = {
    "gpu_product": ("label_nvidia_com_gpu_product",),
    "node_model": ("label_nvidia_com_gpu_machine",),
    "instance_type": (
        "label_node_kubernetes_io_instance_type",
        "label_beta_kubernetes_io_instance_type",
    ),
    "pi": ("annotation_cf_pi", "label_cf_pi"),
    "project_id": ("annotation_cf_project_id", "label_cf_project_id"),
    "user": ("annotation_openshift_io_requester",),
    "class": ("label_nerc_mghpcc_org_class",),
    "storage_class": ("storageclass",),
    "phase": ("phase",),
}

# Pods that hold what they request: they have a node, and have not ended. As the scheduler counts them;
# kube-state-metrics knows which of them can't be placed and which have ended.
_HELD = (
    " unless on (namespace, pod) kube_pod_status_unschedulable{%(matchers)s}"
    ' unless on (namespace, pod) (kube_pod_status_phase{%(more)sphase=~"Succeeded|Failed"} == 1)'
)


@dataclass(frozen=True, slots=True)
class Query:
    """One question. `promql` has places for matchers, the step, and the label of a pod's class.

    `subject` are the labels that a series must have, `labels` the meanings (LABELS) that it may tell.
    A query without PromQL is asked only where the settings give it.
    """

    name: str
    unit: Unit
    subject: tuple[str, ...]
    promql: str
    labels: tuple[str, ...] = ()

    @property
    def is_level(self) -> bool:
        """Whether it says how much was used, and not what was held."""
        return self.name.endswith("_used")


@dataclass(frozen=True, slots=True)
class Group:
    """Queries that land together. `source` is how coverage names them."""

    name: str
    source: str
    queries: tuple[Query, ...]


_POD, _CLAIM = ("namespace", "pod"), ("namespace", "persistentvolumeclaim")
_OWNER = ("pi", "project_id", "user")
# Containers, without what the runtime counts for a whole pod or node beside them.
_CONTAINERS = '{%(more)scontainer!="",container!="POD"}'

GROUPS: tuple[Group, ...] = (
    Group(
        "pods",
        "kubernetes",
        (
            Query(
                "pod_cpu_request",
                "cores",
                _POD,
                'kube_pod_resource_request{%(more)sresource="cpu",node!=""}' + _HELD,
            ),
            Query(
                "pod_memory_request",
                "bytes",
                _POD,
                'kube_pod_resource_request{%(more)sresource="memory",node!=""}' + _HELD,
            ),
            Query(
                "pod_gpu_request",
                "count",
                _POD,
                'kube_pod_resource_request{%(more)sresource=~"nvidia[.]com/.+",node!=""}' + _HELD,
            ),
            Query(
                "node_labels",
                "labels",
                ("node",),
                "kube_node_labels{%(matchers)s}",
                ("gpu_product", "node_model", "instance_type"),
            ),
            Query("pod_labels", "labels", _POD, "%(class_labels)s", ("class",)),
        ),
    ),
    Group(
        "labels",
        "kubernetes-labels",
        (
            Query(
                "namespace_annotations",
                "labels",
                ("namespace",),
                "kube_namespace_annotations{%(matchers)s}",
                _OWNER,
            ),
            Query(
                "namespace_labels", "labels", ("namespace",), "kube_namespace_labels{%(matchers)s}", _OWNER
            ),
        ),
    ),
    Group(
        "limits",
        "kubernetes-limits",
        (
            Query(
                "pod_cpu_limit",
                "cores",
                _POD,
                'kube_pod_resource_limit{%(more)sresource="cpu",node!=""}' + _HELD,
            ),
            Query(
                "pod_memory_limit",
                "bytes",
                _POD,
                'kube_pod_resource_limit{%(more)sresource="memory",node!=""}' + _HELD,
            ),
        ),
    ),
    Group(
        "waiting",  # why a pod isn't counted
        "kubernetes-waiting",
        (
            Query("pod_unschedulable", "labels", _POD, "kube_pod_status_unschedulable{%(matchers)s} == 1"),
            Query(
                "pod_phase",
                "labels",
                _POD,
                'kube_pod_status_phase{%(more)sphase=~"Pending|Failed|Unknown"} == 1',
                ("phase",),
            ),
        ),
    ),
    Group(
        "claims",
        "kubernetes-claims",
        (
            Query(
                "pvc_request",
                "bytes",
                _CLAIM,
                "kube_persistentvolumeclaim_resource_requests_storage_bytes{%(matchers)s}",
            ),
            Query(
                "pvc_info",
                "labels",
                _CLAIM,
                "kube_persistentvolumeclaim_info{%(matchers)s}",
                ("storage_class",),
            ),
            Query(
                "pvc_attached",
                "count",
                _CLAIM,
                "count by (namespace, persistentvolumeclaim) "
                "(kube_pod_spec_volumes_persistentvolumeclaims_info{%(matchers)s})",
            ),
        ),
    ),
    Group(
        "use",
        "kubernetes-use",
        (
            Query(
                "pod_cpu_used",
                "cores",
                _POD,
                "sum by (namespace, pod) (rate(container_cpu_usage_seconds_total"
                + _CONTAINERS
                + "[%(step)ss]))",
            ),
            Query(
                "pod_memory_used",
                "bytes",
                _POD,
                "sum by (namespace, pod) (container_memory_working_set_bytes" + _CONTAINERS + ")",
            ),
            Query(
                "pvc_used",
                "bytes",
                _CLAIM,
                "max by (namespace, persistentvolumeclaim) (kubelet_volume_stats_used_bytes{%(matchers)s})",
            ),
        ),
    ),
    Group(
        "vms",  # of a hypervisor's exporter: there are many, so the settings say how it is asked
        "kubernetes-vms",
        (
            Query("vm_cpu_used", "cores", ("uuid",), ""),
            Query("vm_memory_used", "bytes", ("uuid",), ""),
        ),
    ),
)

QUERIES: dict[str, Query] = {query.name: query for group in GROUPS for query in group.queries}
REQUIRED = frozenset({"pod_cpu_request", "pod_memory_request", "pod_gpu_request", "node_labels"})


def promql_of(
    query: Query,
    step_seconds: int,
    matchers: str = "",
    overrides: Mapping[str, str] | None = None,
    labels: Mapping[str, tuple[str, ...]] | None = None,
) -> str:
    """The PromQL to ask; empty when the query isn't asked. `overrides` replace it as a whole."""
    promql = (overrides or {}).get(query.name)
    if promql is not None:
        return promql
    more = f"{matchers}," if matchers else ""
    classes = (labels or LABELS).get("class", ())
    class_labels = " or ".join(f'kube_pod_labels{{{more}{name}!=""}}' for name in classes)
    return query.promql % {
        "matchers": matchers,
        "more": more,
        "step": step_seconds,
        "class_labels": class_labels,
    }


def mistake_in(queries: Mapping[str, str], labels: Mapping[str, tuple[str, ...]]) -> str:
    """What is wrong with queries and labels that settings name; empty when nothing is."""
    for what, names, known in (("queries", queries, QUERIES), ("labels", labels, LABELS)):
        for name in names:
            if name not in known:
                return f"{what}: expected some of {', '.join(known)}, found {name!r}"
    for name, promql in queries.items():
        if name in REQUIRED and not promql.strip():
            return f"queries.{name}: expected PromQL, as pods can't be told without it, found nothing"
    return ""
