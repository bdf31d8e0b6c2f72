-- How much did pods, volume claims and the VMs of a hypervisor's exporter use?
-- in: kubernetes_usage (raw)    out: samples (usage.tables.SAMPLE)
--
-- Each raw row of these queries is one sample; it weighs the step that it stands for. What was reserved, and
-- for whom, the spans say.
SELECT
    s.resource,
    CASE WHEN s.query IN ('pod_cpu_used', 'pod_memory_used') THEN 'pod'
        WHEN s.query = 'pvc_used' THEN 'claim' ELSE 'vm' END AS kind,
    CASE WHEN s.query IN ('pod_cpu_used', 'pod_memory_used')
            THEN s.namespace || '/' || s.pod || COALESCE('/' || s.uid, '')
        WHEN s.query = 'pvc_used' THEN s.namespace || '/' || s.claim ELSE s.instance END AS item,
    CASE WHEN s.query IN ('pod_cpu_used', 'pod_memory_used') THEN s.pod
        WHEN s.query = 'pvc_used' THEN s.claim END AS name,
    s.namespace AS project_ref,
    s.namespace AS project_name,
    CAST(NULL AS VARCHAR) AS user_ref,
    CAST(NULL AS VARCHAR) AS user_name,
    CASE WHEN s.instance IS NULL THEN s.cluster END AS domain,
    CAST(NULL AS VARCHAR) AS class,
    CAST(NULL AS VARCHAR) AS group_name,
    CASE WHEN s.query IN ('pod_cpu_used', 'vm_cpu_used') THEN 'cpu_used_micros'
        WHEN s.query = 'pvc_used' THEN 'used_bytes' ELSE 'memory_used_bytes' END AS measure,
    s.first_time AS time,
    s.step_seconds AS weight,
    s.quantity AS value,
    CAST(NULL AS BIGINT) AS "limit",
    CAST(NULL AS TIMESTAMPTZ) AS said_at,
    s.batch_id,
    s.record,
    FALSE AS is_whole
FROM kubernetes_usage AS s
WHERE s.quantity IS NOT NULL
    AND (
        (s.query IN ('pod_cpu_used', 'pod_memory_used') AND s.namespace IS NOT NULL AND s.pod IS NOT NULL)
        OR (s.query = 'pvc_used' AND s.namespace IS NOT NULL AND s.claim IS NOT NULL)
        OR (s.query IN ('vm_cpu_used', 'vm_memory_used') AND s.instance IS NOT NULL)
    )
