-- The local mailbox.

-- name: add
-- Store a letter once for each key; a repeat answers with the first one's number.
INSERT INTO inbox_messages AS i (idempotency_key, email, message, scheduled_send_time, received_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (idempotency_key) DO UPDATE SET idempotency_key = i.idempotency_key
RETURNING id

-- name: list_latest
-- The latest letters with the zone of their greeting, newest first.
SELECT i.id, i.idempotency_key, i.email, i.message, i.received_at, i.scheduled_send_time, m.timezone
FROM (SELECT * FROM inbox_messages ORDER BY id DESC LIMIT $1) AS i
LEFT JOIN message_logs m
    ON m.idempotency_key = i.idempotency_key AND m.scheduled_send_time = i.scheduled_send_time
ORDER BY i.id DESC
