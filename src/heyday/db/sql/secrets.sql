-- What all processes must know and nobody else may.

-- name: propose
-- Store a secret unless there is one: of processes that start at once, the first one's stays.
INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING

-- name: find
-- The secret of this name.
SELECT value FROM secrets WHERE name = $1
