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
-- The indexes of users that no constraint stands on, and how to drop and to make them.
SELECT i.indexrelid::regclass::text AS name,
       'DROP INDEX ' || i.indexrelid::regclass AS drop,
       pg_get_indexdef(i.indexrelid) AS make
FROM pg_index i
WHERE i.indrelid = 'users'::regclass
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
ORDER BY i.indexrelid

-- name: sort_in_memory
-- Let the new indexes of a million people be sorted without files.
SET LOCAL maintenance_work_mem = '256MB'

-- name: analyze_users
-- Let the planner know what came.
ANALYZE users

-- name: vacuum_users
-- Note which pages everybody sees, so that forecasts need the indexes alone.
VACUUM users

-- name: add_people
-- Add those who are not there; return their ids.
INSERT INTO users (
    id, first_name, last_name, email, timezone, birthday_date, anniversary_date, location_city,
    location_country, locale, created_at, updated_at, deleted_at, unsubscribed_at, eligible_since)
SELECT id, first_name, last_name, email, timezone, birthday_date, anniversary_date, location_city,
       location_country, locale, created_at, updated_at, deleted_at, unsubscribed_at, eligible_since
FROM jsonb_populate_recordset(NULL::users, $1::jsonb)
ON CONFLICT DO NOTHING
RETURNING id

-- name: add_messages
-- Add greetings, each with its row in the ledger.
WITH given AS (
    SELECT * FROM jsonb_populate_recordset(NULL::message_logs, $1::jsonb)
), ledger AS (
    INSERT INTO idempotency_keys (delivery_date, user_id, message_type)
    SELECT delivery_date, user_id, message_type FROM given
)
INSERT INTO message_logs (
    id, user_id, message_type, delivery_date, scheduled_send_time, actual_send_time, status,
    retry_count, ambiguous_count, epoch, idempotency_key, message_content, occasion_date,
    timezone, tzdb_version, queued_at, lease_until, next_attempt_at, ambiguous_since,
    api_response_code, api_response_body, error_message, provider_message_id, created_at)
SELECT id, user_id, message_type, delivery_date, scheduled_send_time, actual_send_time, status,
       retry_count, ambiguous_count, epoch, idempotency_key, message_content,
       occasion_date, timezone, tzdb_version, queued_at, lease_until, next_attempt_at,
       ambiguous_since, api_response_code, api_response_body, error_message,
       provider_message_id, created_at
FROM given

-- name: add_attempts
-- Add attempts that were not plain first successes.
INSERT INTO message_attempts (
    message_id, scheduled_send_time, epoch, attempt, outcome, status, finished_at,
    api_response_code, error_message)
SELECT message_id, scheduled_send_time, epoch, attempt, outcome, status, finished_at,
       api_response_code, error_message
FROM jsonb_populate_recordset(NULL::message_attempts, $1::jsonb)

-- name: add_letters
-- Add the letters of the greetings that were sent, as the local mailbox would have taken them: else
-- the books would miss them there.
INSERT INTO inbox_messages (
    idempotency_key, email, message, scheduled_send_time, received_at, subject, html, language)
SELECT m.idempotency_key, u.email, m.message_content, m.scheduled_send_time, m.actual_send_time,
       coalesce(m.message_subject, ''), m.message_html, coalesce(m.language, 'en')
FROM jsonb_populate_recordset(NULL::message_logs, $1::jsonb) m
JOIN users u ON u.id = m.user_id
WHERE m.status = 'SENT'
ORDER BY m.actual_send_time
