-- API keys. A revoked key stays as a row: its prefix is never given again.

-- name: insert
-- Store a new key, unless its prefix is taken.
INSERT INTO api_keys (prefix, secret_hash, name, scopes, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (prefix) DO NOTHING
RETURNING {columns}

-- name: lock
-- Keep others from adding a key until the transaction ends; they may read meanwhile.
LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE

-- name: has_any
-- Whether there ever was a key.
SELECT EXISTS (SELECT FROM api_keys)

-- name: list_valid
-- Every key that opens something, with the hash of its secret.
SELECT {columns}, secret_hash FROM api_keys
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $1)

-- name: list_all
-- Every key there ever was, the oldest first.
SELECT {columns} FROM api_keys ORDER BY created_at, prefix

-- name: revoke
-- Revoke a key; one that is revoked stays so since then.
UPDATE api_keys SET revoked_at = coalesce(revoked_at, $2)
WHERE prefix = $1
RETURNING {columns}

-- name: note_use
-- Write down when keys were last used, each once, in an order that keeps processes from deadlocks.
UPDATE api_keys k SET last_used_at = u.used_at
FROM (
    SELECT k2.id, given.used_at
    FROM api_keys k2 JOIN unnest($1::uuid[], $2::timestamptz[]) AS given (id, used_at) USING (id)
    WHERE k2.last_used_at IS NULL OR k2.last_used_at < given.used_at
    ORDER BY k2.id
    FOR NO KEY UPDATE OF k2) AS u
WHERE k.id = u.id

-- name: announce
-- Tell all processes that keys have changed.
SELECT pg_notify('heyday_keys', '')
