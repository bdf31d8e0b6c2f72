-- Which of what was said can change anything?
-- in: item_event, item, event_rule, state_said
-- out: item events without heartbeats that only repeat, with the item's number
--
-- Most events are heartbeats that say what the one before them said. Of such a run only the first and the
-- last matter: under no rule set can one between them open a span or be the last that was heard. The walk
-- over what is left costs a fraction. Words become numbers first, as numbers sort and compare fastest.
WITH spoken AS (
    SELECT
        event,
        ROW_NUMBER() OVER (ORDER BY event) AS event_number,
        MIN(CASE WHEN role = 'heartbeat' AND splits <> 'always' AND reopens = 0 THEN 1 ELSE 0 END) AS is_heartbeat
    FROM event_rule
    GROUP BY event
),
word AS (
    SELECT kind, said, ROW_NUMBER() OVER (ORDER BY kind, said) AS word_number FROM state_said
),
told AS (
    SELECT
        i.item_number, EPOCH_US(e.time) AS micros,
        -- null for a change: it is like nothing else
        CASE WHEN v.is_heartbeat = 1 THEN v.event_number * 4096 + COALESCE(w.word_number, 0) END AS meaning,
        COALESCE(e.project_ref, '') AS project_ref,
        COALESCE(e.class, '') AS class,
        COALESCE(e.vcpus, 0) AS vcpus,
        COALESCE(e.memory_mib, 0) AS memory_mib,
        COALESCE(e.disk_gib, 0) AS disk_gib,
        COALESCE(e.space_bytes, 0) AS space_bytes,
        -- not said is another thing than empty or zero
        CASE WHEN e.project_ref IS NULL THEN 1 ELSE 0 END + CASE WHEN e.class IS NULL THEN 2 ELSE 0 END
            + CASE WHEN e.vcpus IS NULL THEN 4 ELSE 0 END + CASE WHEN e.memory_mib IS NULL THEN 8 ELSE 0 END
            + CASE WHEN e.disk_gib IS NULL THEN 16 ELSE 0 END + CASE WHEN e.space_bytes IS NULL THEN 32 ELSE 0 END
            AS unsaid
    FROM item_event AS e
    JOIN item AS i ON i.item = e.item AND i.kind = e.kind AND i.resource = e.resource
    JOIN spoken AS v ON v.event = e.event
    LEFT JOIN word AS w ON w.kind = e.kind AND w.said = e.state_said
),
size AS (
    SELECT
        project_ref, class, vcpus, memory_mib, disk_gib, space_bytes, unsaid,
        ROW_NUMBER() OVER (
            ORDER BY project_ref, class, vcpus, memory_mib, disk_gib, space_bytes, unsaid
        ) AS size_number
    FROM (SELECT DISTINCT project_ref, class, vcpus, memory_mib, disk_gib, space_bytes, unsaid FROM told) AS seen
),
numbered AS (
    SELECT t.item_number, t.micros, z.size_number * 1048576 + t.meaning AS meaning
    FROM told AS t
    JOIN size AS z
        ON z.project_ref = t.project_ref AND z.class = t.class AND z.vcpus = t.vcpus
        AND z.memory_mib = t.memory_mib AND z.disk_gib = t.disk_gib AND z.space_bytes = t.space_bytes
        AND z.unsaid = t.unsaid
),
compared AS (
    SELECT
        item_number, micros, meaning,
        LAG(meaning) OVER along AS meaning_before,
        LEAD(meaning) OVER along AS meaning_after,
        LAG(micros) OVER along AS micros_before,
        LEAD(micros) OVER along AS micros_after,
        LAG(micros, 2) OVER along AS micros_before_that,
        LEAD(micros, 2) OVER along AS micros_after_that
    FROM numbered
    -- at one moment a change comes last: then it stands between the heartbeats on both sides of it
    WINDOW along AS (
        PARTITION BY item_number ORDER BY micros * 2 + CASE WHEN meaning IS NULL THEN 1 ELSE 0 END
    )
),
telling AS (
    SELECT item_number, MAKE_TIMESTAMPTZ(micros) AS time
    FROM compared
    WHERE NOT COALESCE(
        meaning = meaning_before AND meaning = meaning_after
            AND micros_before < micros AND micros < micros_after
            -- what is told more than once may count as it was told elsewhere: it vouches for nothing
            AND COALESCE(micros_before_that < micros_before, TRUE)
            AND COALESCE(micros_after < micros_after_that, TRUE),
        FALSE
    )
)
SELECT e.*, i.item_number
FROM item_event AS e
JOIN item AS i ON i.item = e.item AND i.kind = e.kind AND i.resource = e.resource
-- not a join, which might be done by time first: thousands of items are told of at one moment
WHERE EXISTS (SELECT 1 FROM telling AS t WHERE t.item_number = i.item_number AND t.time = e.time)
