-- One person whole, deleted or not, and about how many people there are.
--
-- Places: {person}, the columns of a person as shown; {columns}, those of message_logs that tell
-- nothing of a person.

-- name: find
-- One person, deleted or not.
SELECT {person} FROM users WHERE id = $1 AND erased_at IS NULL

-- name: list_greetings
-- Greetings of a person, the latest first, before the one with the id $2. They are few: each month
-- finds them by its index, and they are sorted. MATERIALIZED keeps PostgreSQL from going through
-- everybody's by instant, as ORDER BY and LIMIT would have it.
WITH own AS MATERIALIZED (SELECT {columns} FROM message_logs WHERE user_id = $1)
SELECT * FROM own
WHERE $2::uuid IS NULL
   OR (scheduled_send_time, id) < (SELECT scheduled_send_time, id FROM own WHERE id = $2)
ORDER BY scheduled_send_time DESC, id DESC
LIMIT $3

-- name: estimate
-- How many live people there are, if no more than $1; and what PostgreSQL last estimated of an index
-- that holds each of them once.
SELECT (SELECT count(*) FROM (SELECT FROM users WHERE deleted_at IS NULL LIMIT $1::bigint + 1) AS few)
           AS counted,
       (SELECT reltuples::bigint FROM pg_class WHERE oid = 'idx_users_timezone'::regclass)
           AS estimated
