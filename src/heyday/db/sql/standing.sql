-- How Heyday stands, read again and again: each statement reads up to a limit, by an index.

-- name: backlog
-- What is due at $1 and not sent, by stage: the oldest $2 that wait to be queued, and the oldest $2
-- that have been. Who was added or moved onto today after 09:00 has waited since then, and who is to
-- be tried again, once that is queued, since that time.
SELECT stage, count(*) AS greetings, min(due_at) AS oldest_at
FROM (
    (SELECT CASE status WHEN 'RETRYING' THEN 'retrying' ELSE 'planned' END AS stage,
            greatest(scheduled_send_time, created_at) AS due_at
     FROM message_logs
     WHERE stage = 'PLANNED' AND scheduled_send_time < $1
     ORDER BY scheduled_send_time, id
     LIMIT $2)
    UNION ALL
    (SELECT 'leaving', greatest(scheduled_send_time, created_at, next_attempt_at)
     FROM message_logs
     WHERE stage = 'LEAVING' AND scheduled_send_time < $1
     ORDER BY scheduled_send_time, id
     LIMIT $2)
) AS due
GROUP BY stage

-- name: tzdb_versions
-- By which versions of the tz database the next $2 to leave, from $1 on, were planned.
SELECT tzdb_version, count(*) AS greetings
FROM (
    SELECT tzdb_version
    FROM message_logs
    WHERE stage = 'PLANNED' AND scheduled_send_time >= $1
    ORDER BY scheduled_send_time, id
    LIMIT $2
) AS coming
GROUP BY tzdb_version

-- name: unknown
-- How many wait for a decision, up to $1.
SELECT count(*)
FROM (
    SELECT FROM message_logs WHERE stage = 'UNKNOWN' ORDER BY scheduled_send_time, id LIMIT $1
) AS unknown

-- name: successes
-- When the latest run of each name of $1 began that ended without an error, not by hand.
SELECT n.name, run.started_at
FROM unnest($1::varchar[]) AS n (name)
CROSS JOIN LATERAL (
    SELECT started_at
    FROM job_runs
    WHERE name = n.name AND NOT is_manual AND finished_at IS NOT NULL AND error IS NULL
    ORDER BY started_at DESC
    LIMIT 1
) AS run
