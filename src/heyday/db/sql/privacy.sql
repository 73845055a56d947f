-- All that is stored about one person: to hand it over, and to take it out.
--
-- Each `export_` statement becomes one part of the export; its name says which.

-- name: export_person
-- Their own row.
SELECT * FROM users WHERE id = $1

-- name: export_greetings
-- Their greetings, with texts.
SELECT * FROM message_logs WHERE user_id = $1 ORDER BY scheduled_send_time, message_type

-- name: export_attempts
-- Attempts that were noted, and decisions.
SELECT a.*
FROM message_attempts a
WHERE a.message_id IN (SELECT id FROM message_logs WHERE user_id = $1)
ORDER BY a.finished_at, a.id

-- name: export_events
-- What providers told of their letters.
SELECT e.*
FROM message_events e
WHERE (e.message_id, e.delivery_date) IN (
    SELECT id, delivery_date FROM message_logs WHERE user_id = $1)
ORDER BY e.happened_at, e.event_id

-- name: export_letters
-- Their letters in the local mailbox.
SELECT * FROM inbox_messages WHERE idempotency_key LIKE $1::uuid || ':%' ORDER BY id

-- name: export_ledger
-- What was ever planned for them.
SELECT * FROM idempotency_keys WHERE user_id = $1 ORDER BY delivery_date, message_type

-- name: export_suppressions
-- Whether their address, $1, is on the list of those who want no greetings.
SELECT message_type, reason, created_at
FROM suppressions
WHERE address_hmac = ANY ($1::bytea[])
ORDER BY created_at, message_type

-- name: export_rejected_rows
-- Rows of imports that were not taken and have their address, $1.
SELECT job_id, line, reason, email, encode(cells, 'escape') AS cells
FROM import_rejects
WHERE lower(email) = lower($1)
ORDER BY job_id, line

-- name: export_deeds
-- Who did what with them, or looked at them. Others whom a line concerns as well are left out.
SELECT id, at, actor_kind, actor_name, sql_role, action, fields, host(address) AS address
FROM audit_log
WHERE cardinality(subject_ids) <= 200 AND subject_ids @> ARRAY[$1::uuid]
   OR cardinality(subject_ids) > 200 AND subject_ids @> ARRAY[$1::uuid]
ORDER BY id

-- name: export_replies
-- Replies of the API that may be asked for again and show them: of those about them alone, the
-- whole.
SELECT idempotency_key, status, created_at,
       CASE WHEN cardinality(subject_ids) = 1 THEN encode(body, 'escape') END AS body
FROM api_replies
WHERE subject_ids @> ARRAY[$1::uuid]
ORDER BY created_at

-- name: find_in_imports
-- Whether a file that is being imported, or waits for it, has an address. Files may be in any case,
-- and broken anywhere, so they are read byte by byte, each part with the beginning of the next.
SELECT EXISTS (
    SELECT FROM import_chunks c
    LEFT JOIN import_chunks n ON n.job_id = c.job_id AND n.number = c.number + 1
    CROSS JOIN convert_to($1, 'UTF8') AS address
    WHERE position(lower(encode(address, 'escape'))
                   IN lower(encode(c.content || coalesce(substr(n.content, 1, length(address)), ''),
                                   'escape'))) > 0)

-- name: erase_rejected_rows
-- Rows of imports that were not taken and name them, in whichever column.
DELETE FROM import_rejects
WHERE lower(email) = lower($1)
   OR position(lower(encode(convert_to($1, 'UTF8'), 'escape'))
               IN lower(encode(cells, 'escape'))) > 0

-- name: erase_replies
-- Replies of the API that show them, to nothing: the request is still known as done.
UPDATE api_replies SET body = convert_to('{}', 'UTF8') WHERE subject_ids @> ARRAY[$1::uuid]

-- name: wait_for_plans
-- Wait for plans that are being written, for they have read names, and let new ones wait.
SELECT pg_advisory_xact_lock(7393003)

-- name: lock
-- The address of a person, deleted or not, who is kept from all who would change or greet them.
SELECT email, erased_at FROM users WHERE id = $1 FOR UPDATE

-- name: erase_person
-- Leave a row that stands for nobody, so that the books go on counting what they were sent.
UPDATE users
SET first_name = 'erased', last_name = 'erased', email = 'erased@erased.invalid',
    timezone = 'UTC', birthday_date = NULL, anniversary_date = NULL,
    location_city = NULL, location_country = NULL, locale = NULL,
    deleted_at = coalesce(deleted_at, $2), unsubscribed_at = coalesce(unsubscribed_at, $2),
    updated_at = $2, erased_at = $2
WHERE id = $1

-- name: cancel_greetings
-- Cancel what has not left.
-- moves: SCHEDULED QUEUED RETRYING > CANCELLED
UPDATE message_logs
SET status = 'CANCELLED', epoch = epoch + 1, error_message = 'person erased'
WHERE user_id = $1 AND status {movable}

-- name: erase_greetings
-- Empty all that tells of them, also where a worker is at it: it writes back no more than how the
-- attempt ended (`record`). Their date gives way to that of the ledger, their zone to none, their
-- language to "undetermined".
UPDATE message_logs
SET message_subject = '', message_content = '', message_html = NULL, language = 'und',
    api_response_body = NULL, provider_message_id = NULL,
    error_message = CASE WHEN status NOT IN ('SENT', 'SENDING') THEN 'person erased' END,
    occasion_date = delivery_date, timezone = 'UTC'
WHERE user_id = $1

-- name: erase_attempts
-- Empty the notes of attempts and decisions.
UPDATE message_attempts
SET error_message = NULL
WHERE message_id IN (SELECT id FROM message_logs WHERE user_id = $1)

-- name: erase_events
-- Take out what providers told. An event that is being noted meanwhile holds nothing of a person.
DELETE FROM message_events
WHERE (message_id, delivery_date) IN (SELECT id, delivery_date FROM message_logs WHERE user_id = $1)

-- name: erase_letters
-- Empty their letters; the books go on counting them.
UPDATE inbox_messages
SET email = 'erased@erased.invalid', message = '', subject = '', html = NULL, language = 'und'
WHERE idempotency_key LIKE $1::uuid || ':%'
