-- How the database is, as a whole.

-- name: server
-- Its version, how large it is, and what needs a decision: counted up to $2.
SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
       pg_database_size(current_database()) AS size,
       (SELECT count(*) FROM (
            SELECT FROM message_logs WHERE stage = 'UNKNOWN' LIMIT $2) AS unknown) AS unknown,
       (SELECT count(*) FROM (
            SELECT FROM message_logs
            WHERE stage = 'FAILED' AND scheduled_send_time >= $1 LIMIT $2) AS failed) AS failed,
       (SELECT count(*) FROM (
            SELECT FROM message_logs
            WHERE stage = 'LEAVING' AND status = 'SENDING' AND lease_until < now() - $3::interval
            LIMIT $2) AS stuck) AS stuck,
       daily.planned_until,
       coalesce((daily.counts ->> 'unknown_zones')::int, 0) AS lost_people,
       ARRAY(SELECT DISTINCT tzdb_version FROM (
            SELECT tzdb_version FROM message_logs
            WHERE stage = 'PLANNED' AND scheduled_send_time > $1
            ORDER BY scheduled_send_time, id LIMIT $2) AS coming) AS tzdb_versions,
       EXISTS (SELECT FROM audit_log_default) AS is_audit_stray
FROM (SELECT) AS one
LEFT JOIN LATERAL (
    SELECT window_end AS planned_until, counts FROM job_runs
    WHERE name = 'daily' AND finished_at IS NOT NULL AND error IS NULL AND NOT is_manual
    ORDER BY started_at DESC LIMIT 1) AS daily ON true

-- name: months
-- Each month with how large it is. Of rows PostgreSQL tells what it last estimated; -1: never.
SELECT to_date(right(c.relname, 7), 'YYYY"m"MM') AS month,
       max(c.reltuples) FILTER (WHERE i.inhparent = 'message_logs'::regclass)::bigint AS rows,
       sum(pg_total_relation_size(c.oid))::bigint AS size,
       count(*) = cardinality($1::text[]) AS is_whole
FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = ANY ($1::text[]::regclass[]) AND c.relname ~ '_y[0-9]+m[0-9]+$'
GROUP BY month
ORDER BY month

-- name: paces
-- The pace of each provider.
SELECT provider, rate, blocked_until, slowed_at FROM provider_pace ORDER BY provider

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
