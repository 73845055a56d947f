-- One person and all their greetings, to explain a decision. Deleted people are found as well.

-- name: find_by_id
-- One person, deleted or not.
SELECT * FROM users WHERE id = $1

-- name: find_live_by_email
-- The live person with this address.
SELECT * FROM users WHERE lower(email) = lower($1) AND deleted_at IS NULL

-- name: find_deleted_by_email
-- Who was last deleted with this address. No index: deleted people are looked for seldom.
SELECT * FROM users
WHERE lower(email) = lower($1) AND deleted_at IS NOT NULL
ORDER BY deleted_at DESC
LIMIT 1

-- name: list_greetings
-- All rows of a person, by instant.
SELECT message_type, delivery_date, occasion_date, timezone, tzdb_version, status,
       scheduled_send_time, actual_send_time, next_attempt_at, retry_count, ambiguous_count,
       error_message
FROM message_logs
WHERE user_id = $1
ORDER BY scheduled_send_time

-- name: list_keys
-- What the ledger holds for a person on some dates.
SELECT message_type, delivery_date
FROM idempotency_keys
WHERE user_id = $1 AND delivery_date = ANY ($2)
