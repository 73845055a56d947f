-- How the database is, as a whole.

-- name: server
-- Its version, how large it is, and what needs a decision: counted up to $2.
SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
       pg_database_size(current_database()) AS size,
       (SELECT count(*) FROM (
            SELECT FROM message_logs WHERE stage = 'UNKNOWN' LIMIT $2) AS unknown) AS unknown,
       (SELECT count(*) FROM (
            SELECT FROM message_logs
            WHERE stage = 'FAILED' AND scheduled_send_time >= $1 LIMIT $2) AS failed) AS failed

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
