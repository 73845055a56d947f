-- Seeding: sample people with greetings in every status, and populations.

-- name: count_population
-- How many people of one seed number are there: their ids lie in a range and are of version 8.
SELECT count(*) FROM users WHERE id BETWEEN $1 AND $2 AND substr(id::text, 15, 1) = '8'

-- name: any_users
-- Whether there is anybody at all, deleted or not.
SELECT EXISTS (SELECT FROM users)

-- name: lock_users
-- Keep everybody else out until the transaction ends.
LOCK TABLE users IN ACCESS EXCLUSIVE MODE

-- name: list_indexes
-- The indexes of users that no constraint stands on, and the statements that make them again.
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
FROM pg_index i
WHERE i.indrelid = 'users'::regclass
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
ORDER BY i.indexrelid

-- name: drop_index
-- Drop an index that list_indexes named.
DROP INDEX {name}

-- name: sort_in_memory
-- Let the new indexes of a million people be sorted without files.
SET LOCAL maintenance_work_mem = '256MB'

-- name: analyze_users
-- Let the planner know what came.
ANALYZE users
