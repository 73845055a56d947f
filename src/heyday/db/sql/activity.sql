-- What goes on in the server.

-- name: oldest_transaction
-- For how many seconds the oldest transaction, whoever's, has kept rows that died since from being
-- cleaned up. Of other accounts' sessions only a member of pg_monitor sees anything.
SELECT coalesce(extract(epoch FROM max(now() - xact_start)), 0)::double precision
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL) AND backend_type = 'client backend'
