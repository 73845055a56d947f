-- What providers told of greetings, and what follows.
--
-- Places: {word}, of a greeting what tells most.

-- name: use_token
-- Note that the token $1 is used, for the request $2; nothing where it was for another one.
INSERT INTO webhook_tokens AS t (id, request_id, used_at) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET request_id = t.request_id WHERE t.request_id = excluded.request_id
RETURNING id

-- name: forget_tokens
-- Forget tokens that were used before $1.
WITH forgotten AS (DELETE FROM webhook_tokens WHERE used_at < $1 RETURNING id)
SELECT count(*) FROM forgotten

-- name: note
-- Keep events of greetings that there are, and whose person was not erased; return those that were
-- not known. A key names the local date, so the greeting lies within two days of it: each event
-- looks into one month, or two, by the index over keys, however many come at once: OFFSET 0. It is
-- in the ledger, so the month of the event is there as well. The order keeps two that note the same
-- events from deadlocks.
WITH given AS (
    SELECT *
    FROM unnest($3::uuid[], $4::varchar[], $5::date[], $6::timestamptz[], $7::timestamptz[],
                $8::varchar[], $9::timestamptz[], $10::varchar[])
        AS given (event_id, key, delivery_on, from_at, until_at, kind, happened_at, code)
), found AS MATERIALIZED (
    SELECT g.event_id, g.kind, g.happened_at, g.code, m.id, m.user_id, m.message_type,
           m.delivery_date, m.scheduled_send_time, m.status
    FROM given g
    CROSS JOIN LATERAL (
        SELECT m.id, m.user_id, m.message_type, m.delivery_date, m.scheduled_send_time, m.status
        FROM message_logs m
        JOIN users u ON u.id = m.user_id AND u.erased_at IS NULL
        JOIN idempotency_keys k ON k.delivery_date = g.delivery_on AND k.user_id = m.user_id
            AND k.message_type = m.message_type
        WHERE m.idempotency_key = g.key AND m.delivery_date = g.delivery_on
          AND m.scheduled_send_time >= g.from_at AND m.scheduled_send_time < g.until_at
        OFFSET 0
    ) AS m
), noted AS (
    INSERT INTO message_events (
        event_id, delivery_date, message_id, provider, kind, code, happened_at, received_at)
    SELECT event_id, delivery_date, id, $1::varchar, kind, code, happened_at, $2::timestamptz
    FROM found
    ORDER BY delivery_date, event_id
    ON CONFLICT (event_id, delivery_date) DO NOTHING
    RETURNING event_id
)
SELECT f.event_id, f.id, f.user_id, f.message_type, f.scheduled_send_time, f.status
FROM found f JOIN noted USING (event_id)

-- name: list_departing
-- The people in $1, deleted or not, and whoever lives with their addresses now, or with one of $2;
-- locked, in order of id as claims do. Who was erased has no address any more.
SELECT id, email FROM users
WHERE erased_at IS NULL AND id IN (
    SELECT unnest($1::uuid[])
    UNION
    SELECT l.id
    FROM users p JOIN users l ON lower(l.email) = lower(p.email) AND l.deleted_at IS NULL
    WHERE p.id = ANY ($1) AND p.erased_at IS NULL
    UNION
    SELECT l.id
    FROM unnest($2::varchar[]) AS given (address)
    CROSS JOIN LATERAL (
        SELECT id FROM users
        WHERE lower(email) = lower(given.address) AND deleted_at IS NULL
        OFFSET 0
    ) AS l)
ORDER BY id
FOR NO KEY UPDATE

-- name: word
-- Of what was told of a greeting: what tells most. Anything but a drop says that it was taken. A
-- drop counts for nothing before $1, and once a person has decided otherwise.
CROSS JOIN LATERAL (
    SELECT e.provider, e.kind, e.happened_at, e.code
    FROM message_events e
    WHERE e.delivery_date = m.delivery_date AND e.message_id = m.id
      AND (e.kind <> 'dropped'
           OR e.received_at < $1 AND NOT EXISTS (
               SELECT FROM message_attempts a
               WHERE a.message_id = m.id AND a.outcome = 'resolved'
                 AND a.finished_at >= e.received_at))
    ORDER BY e.kind = 'dropped', e.happened_at, e.event_id
    LIMIT 1
) AS w

-- name: any_unknown
-- Whether any greeting is UNKNOWN: if none is, the next question need not be asked.
SELECT EXISTS (SELECT FROM message_logs WHERE stage = 'UNKNOWN')

-- name: list_words
-- What tells most of greetings that are UNKNOWN: up to $2 of which there is a word.
SELECT m.id, m.scheduled_send_time, m.epoch, w.*
FROM message_logs m
{word}
WHERE m.stage = 'UNKNOWN' AND m.status = 'UNKNOWN'
ORDER BY m.scheduled_send_time, m.id
LIMIT $2

-- name: find_words
-- The same of the greetings in $2, which are at instants from $3 to $4.
SELECT m.id, m.scheduled_send_time, m.epoch, w.*
FROM message_logs m
{word}
WHERE m.id = ANY ($2::uuid[]) AND m.scheduled_send_time BETWEEN $3 AND $4
  AND m.stage = 'UNKNOWN' AND m.status = 'UNKNOWN'

-- name: settle
-- Settle the rows in $1, at the instants in $2 and as the epochs in $3 left them, as $4 says, by
-- what was told of them, $5, at the instants in $6; and note it among the attempts. The new epoch
-- shuts out whoever made the last attempt, should they still write. What is sent left with its last
-- attempt; where none was noted, no later than we heard of it.
-- moves: UNKNOWN > SENT FAILED
WITH settled AS (
    UPDATE message_logs m
    SET status = d.status,
        epoch = m.epoch + 1,
        actual_send_time = CASE WHEN d.status = 'SENT' THEN coalesce(
            (SELECT max(a.finished_at) FROM message_attempts a
             WHERE a.message_id = m.id AND a.outcome NOT IN ('resolved', 'not_tried', 'forgotten')),
            d.happened_at) END,
        error_message = 'told by the provider, ' || d.told
    FROM unnest($1::uuid[], $2::timestamptz[], $3::integer[], $4::varchar[], $5::text[],
                $6::timestamptz[])
        AS d (id, scheduled_send_time, epoch, status, told, happened_at)
    WHERE m.id = d.id AND m.scheduled_send_time = d.scheduled_send_time
      AND m.scheduled_send_time BETWEEN $8 AND $9
      AND m.epoch = d.epoch AND m.status {movable}
    RETURNING m.id, m.scheduled_send_time, m.epoch, m.retry_count + 1 AS attempt, m.status, d.told
), noted AS (
    INSERT INTO message_attempts (
        message_id, scheduled_send_time, epoch, attempt, outcome, status, finished_at,
        error_message)
    SELECT id, scheduled_send_time, epoch, attempt, 'told', status, $7, told FROM settled
)
SELECT count(*) FROM settled

-- name: list_told
-- What was told of one greeting, in order.
SELECT provider, kind, happened_at, code
FROM message_events
WHERE message_id = $1 AND delivery_date = $2
ORDER BY happened_at, received_at, event_id
