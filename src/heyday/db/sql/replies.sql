-- Replies to writes that may be repeated with the same Idempotency-Key.

-- name: begin
-- Take a key, also one whose reply is too old; no row if another request has it. Whoever takes it
-- at the same time waits here until the first has committed, for so long as $6 says and no longer;
-- what comes after in the transaction waits as long as it is used to.
INSERT INTO api_replies AS r (key_id, idempotency_key, fingerprint, created_at)
SELECT $1, $2, $3, $4
FROM set_config('lock_timeout', $6, true)
ON CONFLICT (key_id, idempotency_key) DO UPDATE
SET fingerprint = excluded.fingerprint, created_at = excluded.created_at, status = NULL,
    headers = NULL, body = NULL, subject_ids = '{}'
WHERE r.created_at < $5
RETURNING set_config('lock_timeout', NULL, true)

-- name: find
-- What is kept under a key.
SELECT fingerprint, status, headers, body, subject_ids
FROM api_replies
WHERE key_id = $1 AND idempotency_key = $2

-- name: keep
-- Keep a reply under the key that its request has taken.
UPDATE api_replies
SET status = $3, headers = $4, body = $5, subject_ids = $6
WHERE key_id = $1 AND idempotency_key = $2

-- name: forget
-- Drop some replies that are too old to be asked for.
DELETE FROM api_replies
WHERE (key_id, idempotency_key) IN (
    SELECT key_id, idempotency_key FROM api_replies
    WHERE created_at < $1
    ORDER BY created_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED)
