-- What migrating asks PostgreSQL beside the migrations themselves.

-- name: take_turn
-- Whether this transaction is from now on the one that migrates.
SELECT pg_try_advisory_xact_lock($1)

-- name: turn_of
-- Who has that turn.
SELECT DISTINCT l.pid, coalesce(nullif(a.application_name, ''), a.backend_type) AS application,
       clock_timestamp() - a.xact_start AS age
FROM pg_locks l
JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted
  AND (l.classid::bigint << 32) + l.objid::bigint = $1 AND l.objsubid = 1

-- name: blockers
-- Who holds a lock that a session waits for, or stands before it in the queue for one.
SELECT p.pid, coalesce(nullif(a.application_name, ''), a.backend_type) AS application,
       clock_timestamp() - a.xact_start AS age
FROM (SELECT DISTINCT unnest(pg_blocking_pids($1)) AS pid) AS p
LEFT JOIN pg_stat_activity a ON a.pid = p.pid
ORDER BY age DESC NULLS LAST, p.pid

-- name: sizes
-- How large tables are with their indexes and partitions; null: not there yet.
SELECT t.name,
       coalesce((SELECT sum(pg_total_relation_size(p.relid))::bigint
                 FROM pg_partition_tree(to_regclass(t.name)) p),
                pg_total_relation_size(to_regclass(t.name))) AS size
FROM unnest($1::text[]) AS t (name)
