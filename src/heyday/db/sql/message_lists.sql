-- Looking through greetings, for people who look for some: never at more rows than is said.
--
-- Places: {columns}, those of message_logs that tell nothing of a person; {led}, the condition by
-- which an index leads to rows, if there is one; {conditions}, what rows have to fit besides;
-- {direction} and {beyond}, the order.

-- name: through
-- The first $5 rows from the instant $1 on and before $2, beyond the place ($3, $4), in order of an
-- index and of the months. What they have to fit is looked at outside: so it can make nobody read on.
SELECT {columns}, timezone, stage
FROM message_logs
WHERE scheduled_send_time >= $1 AND scheduled_send_time < $2
  AND (scheduled_send_time, id) {beyond} ($3, $4)
  {led}
ORDER BY scheduled_send_time {direction}, id {direction}
LIMIT $5

-- name: look
-- Of those rows up to $6 that fit.
SELECT * FROM ({through}) AS looked
WHERE true
  {conditions}
ORDER BY scheduled_send_time {direction}, id {direction}
LIMIT $6

-- name: find_end
-- The place of the last one.
SELECT scheduled_send_time, id FROM ({through}) AS looked
OFFSET $5::bigint - 1

-- name: count
-- How many rows there are, and how many of them fit.
SELECT count(*) AS looked, count(*) FILTER (WHERE true
  {conditions}) AS found
FROM ({through}) AS looked

-- name: led_by_stage
-- Of rows: those of a stage, by the index that holds these alone or few others. Written out, as an
-- index of some rows is taken for nothing less.
AND stage = '{stage}'

-- name: led_by_person
-- Of rows: those of a person.
AND user_id = ${n}

-- name: find_names
-- What people are called.
SELECT id, first_name, last_name, deleted_at IS NOT NULL AS is_deleted
FROM users WHERE id = ANY ($1)

-- name: find_letter
-- What one greeting says, to whom.
SELECT m.message_subject, m.message_content, m.message_html, m.language, m.timezone,
       m.tzdb_version, m.epoch, m.lease_until, m.api_response_body, m.provider_message_id,
       u.email, u.first_name, u.last_name, u.deleted_at IS NOT NULL AS is_deleted
FROM message_logs m
JOIN users u ON u.id = m.user_id
WHERE m.id = $1 AND m.scheduled_send_time = $2
