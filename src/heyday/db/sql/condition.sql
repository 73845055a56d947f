-- How the database is, as a whole.

-- name: server
-- Its version, how large it is, and what went wrong: counted up to $2.
SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
       pg_database_size(current_database()) AS size,
       (SELECT count(*) FROM (
            SELECT FROM message_logs
            WHERE stage = 'FAILED' AND scheduled_send_time >= $1 LIMIT $2) AS failed) AS failed,
       (SELECT count(*) FROM (
            SELECT FROM message_logs
            WHERE stage = 'LEAVING' AND status = 'SENDING' AND lease_until < now() - $3::interval
            LIMIT $2) AS stuck) AS stuck,
       coalesce((
            SELECT (counts ->> 'unknown_zones')::int FROM job_runs
            WHERE name = 'daily' AND finished_at IS NOT NULL AND error IS NULL AND NOT is_manual
            ORDER BY started_at DESC LIMIT 1), 0) AS lost_people,
       EXISTS (SELECT FROM audit_log_default) AS is_audit_stray

-- name: months
-- Each month with how large it is. Of rows PostgreSQL tells what it last estimated; -1: never.
SELECT to_date(right(c.relname, 7), 'YYYY"m"MM') AS month,
       max(c.reltuples) FILTER (WHERE i.inhparent = 'message_logs'::regclass)::bigint AS rows,
       sum(pg_total_relation_size(c.oid))::bigint AS size
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = ANY ($1::text[]::regclass[]) AND c.relname ~ '_y[0-9]+m[0-9]+$'
GROUP BY month
ORDER BY month

-- name: paces
-- The pace of each provider.
SELECT provider, rate, blocked_until, slowed_at FROM provider_pace ORDER BY provider

-- name: failing
-- Of each sender: how many greetings wait that failed since it last took one, and since when. Of
-- attempts the latest $1 are read. A plain first success is none of them: it is looked for in the $2
-- greetings before and after each of the last $3 that failed, which were of its batch, or were due
-- when it was. A provider that asks for a slower pace (429) is well.
WITH latest AS MATERIALIZED (
    SELECT id, message_id, scheduled_send_time, outcome, finished_at, api_response_code, sender
    FROM message_attempts
    ORDER BY id DESC
    LIMIT $1
), failed AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY sender ORDER BY id DESC) AS place
    FROM latest
    WHERE outcome IN ('not_accepted', 'ambiguous') AND api_response_code IS DISTINCT FROM 429
), accepted AS MATERIALIZED (
    SELECT sender, max(at) AS at
    FROM (
        SELECT sender, finished_at AS at FROM latest WHERE outcome = 'accepted'
        UNION ALL
        SELECT near.sender, near.actual_send_time
        FROM failed f
        CROSS JOIN LATERAL (
            (SELECT m.sender, m.actual_send_time
             FROM message_logs m
             WHERE (m.scheduled_send_time, m.id) < (f.scheduled_send_time, f.message_id)
               AND m.scheduled_send_time <= f.scheduled_send_time
             ORDER BY m.scheduled_send_time DESC, m.id DESC
             LIMIT $2)
            UNION ALL
            (SELECT m.sender, m.actual_send_time
             FROM message_logs m
             WHERE (m.scheduled_send_time, m.id) > (f.scheduled_send_time, f.message_id)
               AND m.scheduled_send_time >= f.scheduled_send_time
             ORDER BY m.scheduled_send_time, m.id
             LIMIT $2)
        ) AS near
        WHERE f.place <= $3
    ) AS signs
    GROUP BY sender
)
SELECT f.sender, count(DISTINCT f.message_id) AS greetings, min(f.finished_at) AS since
FROM failed f
LEFT JOIN accepted a ON a.sender = f.sender
CROSS JOIN LATERAL (
    SELECT FROM message_logs m
    WHERE m.id = f.message_id AND m.scheduled_send_time = f.scheduled_send_time
      AND m.stage IN ('PLANNED', 'LEAVING')
    OFFSET 0) AS waiting
WHERE f.sender IS NOT NULL AND f.finished_at > coalesce(a.at, '-infinity')
GROUP BY f.sender
ORDER BY f.sender

-- name: is_migrated
-- Whether anything was ever migrated here.
SELECT to_regclass('alembic_version') IS NOT NULL

-- name: revision
-- Of which revision the schema is.
SELECT version_num FROM alembic_version

-- name: whole_months
-- The months in which each of these tables has its partition; none where a table is missing.
SELECT to_date(right(c.relname, 7), 'YYYY"m"MM') AS month
FROM unnest($1::text[]) AS t (name)
JOIN pg_inherits i ON i.inhparent = to_regclass(t.name)
JOIN pg_class c ON c.oid = i.inhrelid
WHERE c.relname ~ '_y[0-9]+m[0-9]+$'
GROUP BY month
HAVING count(*) = cardinality($1::text[])

-- name: version
-- Of which version the server is.
SELECT split_part(current_setting('server_version'), ' ', 1)

-- name: set_up
-- How the server is set up: of these settings, those that it has.
SELECT (SELECT json_object_agg(name, setting) FROM pg_settings WHERE name = ANY ($1::text[]))::text
           AS settings,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS sessions,
       pg_is_in_recovery() AS is_replica
