-- The local mailbox.

-- name: add
-- Store a letter once for each key; a repeat answers with the first one's number. The person, $6,
-- is locked so that an erasure either finds the letter, or is found here: then it is empty.
WITH person AS MATERIALIZED (
    SELECT erased_at FROM users WHERE id = $6 FOR SHARE
)
INSERT INTO inbox_messages AS i (
    idempotency_key, email, message, scheduled_send_time, received_at, subject, html, language)
SELECT $1,
       CASE WHEN is_erased THEN 'erased@erased.invalid' ELSE $2 END,
       CASE WHEN is_erased THEN '' ELSE $3 END,
       $4, $5,
       CASE WHEN is_erased THEN '' ELSE $7 END,
       CASE WHEN NOT is_erased THEN $8 END,
       CASE WHEN is_erased THEN 'und' ELSE $9 END
FROM (SELECT EXISTS (SELECT FROM person WHERE erased_at IS NOT NULL) AS is_erased) AS found
ON CONFLICT (idempotency_key) DO UPDATE SET idempotency_key = i.idempotency_key
RETURNING id

-- name: list_page
-- The latest letters from number $2 on and before $3, with the zone of their greeting, newest first.
-- Their HTML, which is long, is left out.
SELECT i.id, i.idempotency_key, i.email, i.message, i.subject, NULL AS html, i.language,
       i.received_at, i.scheduled_send_time, m.timezone
FROM (
    SELECT * FROM inbox_messages WHERE id >= $2 AND id < $3 ORDER BY id DESC LIMIT $1
) AS i
LEFT JOIN message_logs m
    ON m.idempotency_key = i.idempotency_key AND m.scheduled_send_time = i.scheduled_send_time
ORDER BY i.id DESC

-- name: find
-- One letter, whole.
SELECT i.id, i.idempotency_key, i.email, i.message, i.subject, i.html, i.language,
       i.received_at, i.scheduled_send_time, m.timezone
FROM inbox_messages i
LEFT JOIN message_logs m
    ON m.idempotency_key = i.idempotency_key AND m.scheduled_send_time = i.scheduled_send_time
WHERE i.id = $1

-- name: compare
-- Where letters and rows differ, by kind and message type, as sets. Letters may be thrown away up to
-- a date, so only a row whose letter must still be there is missed: its instant, before which it
-- cannot have left, is not before the oldest letter; or nothing was thrown away yet, and it was sent
-- since then. A letter needs no row where its month was dropped, or where its person was removed with
-- all greetings, of which the ledger alone tells. On its way: an attempt may have been made, and
-- what comes of it is not yet written.
WITH oldest AS (
    SELECT min(received_at) AS received_at, min(id) = 1 AS is_first FROM inbox_messages
)
SELECT 'unconfirmed' AS kind, m.message_type, count(*) AS letters
FROM message_logs m CROSS JOIN oldest o
WHERE m.status = 'SENT'
  AND (m.scheduled_send_time >= o.received_at
       OR o.is_first AND m.actual_send_time >= o.received_at)
  AND NOT EXISTS (SELECT FROM inbox_messages i WHERE i.idempotency_key = m.idempotency_key)
GROUP BY m.message_type
UNION ALL
SELECT 'unrecorded', m.message_type, count(*)
FROM inbox_messages i JOIN message_logs m ON m.idempotency_key = i.idempotency_key
WHERE m.status <> 'SENT'
  AND NOT (m.status IN ('QUEUED', 'SENDING', 'RETRYING')
           AND greatest(m.scheduled_send_time, m.next_attempt_at, i.received_at) >= $1)
GROUP BY m.message_type
UNION ALL
SELECT 'orphaned', split_part(i.idempotency_key, ':', 2) AS message_type, count(*)
FROM inbox_messages i
WHERE NOT EXISTS (SELECT FROM message_logs m WHERE m.idempotency_key = i.idempotency_key)
  AND to_regclass('message_logs_y' || to_char(i.scheduled_send_time AT TIME ZONE 'UTC', 'YYYY"m"MM'))
      IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM idempotency_keys k
      WHERE k.user_id || ':' || k.message_type || ':' || to_char(k.delivery_date, 'YYYY-MM-DD')
            = i.idempotency_key
        AND NOT EXISTS (SELECT FROM users u WHERE u.id = k.user_id))
GROUP BY 2
