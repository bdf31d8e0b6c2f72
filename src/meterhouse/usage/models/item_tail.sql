-- Where does this build leave each item, for the next build to go on from?
-- in: transition, told    out: tails (usage.tables.ITEM_TAIL): the newest opening, and the last heard of it
--
-- The last heard is the moment until which there is evidence, and what was said then; it is null where
-- nothing was heard after the opening.
SELECT
    t.rules, t.reopens, e.time, e.event, t.order_key, t.opened_state AS state_code,
    t.begins AS carried_begins,
    e.resource, e.kind, e.item, e.name,
    e.project_ref, e.project_name, e.user_ref, e.user_name, e.domain,
    e.class, e.vcpus, e.memory_mib, e.disk_gib, e.gpus, e.gpu_model, e.nodes, e.space_bytes, e.files, e.host,
    e.said_at, e.batch_id, e.record,
    n.time AS last_time, n.event AS last_event, t.next_key AS last_key,
    n.project_ref AS last_project_ref, n.class AS last_class, n.vcpus AS last_vcpus,
    n.memory_mib AS last_memory_mib, n.disk_gib AS last_disk_gib, n.space_bytes AS last_space_bytes,
    n.said_at AS last_said_at, n.batch_id AS last_batch_id, n.record AS last_record
FROM transition AS t
JOIN told AS e ON e.event_number = t.event_number
LEFT JOIN told AS n ON n.event_number = t.next_event_number
WHERE NOT t.is_closed
