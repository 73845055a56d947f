-- What a person looks at and settles: rows and attempts, without the people.
--
-- Places: {columns}, those of message_logs that tell nothing of a person.

-- name: lock
-- These rows as they are, and will be until the transaction ends. In order of id: two decisions
-- about the same rows wait for each other and never deadlock.
SELECT {columns} FROM message_logs WHERE id = ANY ($1) ORDER BY id FOR UPDATE

-- name: resolve
-- Settle the rows in $1, at the instants in $2, that are UNKNOWN as $3, and note it among the
-- attempts. The new epoch shuts out whoever made the last attempt, should they still write. What is
-- sent left with its last attempt. A retry that a person decided counts as one; it needs no provider
-- that still knows the key, so since when it would have to is cleared.
-- moves: UNKNOWN > SENT FAILED RETRYING
WITH settled AS (
    UPDATE message_logs m
    SET status = $3,
        epoch = m.epoch + 1,
        retry_count = m.retry_count + CASE WHEN $3 = 'RETRYING' THEN 1 ELSE 0 END,
        ambiguous_since = CASE WHEN $3 <> 'RETRYING' THEN m.ambiguous_since END,
        next_attempt_at = CASE WHEN $3 = 'RETRYING' THEN $4::timestamptz END,
        actual_send_time = CASE WHEN $3 = 'SENT' THEN coalesce(
            (SELECT max(a.finished_at) FROM message_attempts a
             WHERE a.message_id = m.id AND a.outcome NOT IN ('resolved', 'not_tried', 'forgotten')), $4)
            END,
        error_message = coalesce($5::text, 'decided by a person')
    FROM unnest($1::uuid[], $2::timestamptz[]) AS d (id, scheduled_send_time)
    WHERE m.id = d.id AND m.scheduled_send_time = d.scheduled_send_time
      AND m.scheduled_send_time BETWEEN $6 AND $7
      AND m.status {movable}
    RETURNING m.id, m.scheduled_send_time, m.epoch,
              m.retry_count + CASE WHEN $3 = 'RETRYING' THEN 0 ELSE 1 END AS attempt
), noted AS (
    INSERT INTO message_attempts (
        message_id, scheduled_send_time, epoch, attempt, outcome, status, finished_at,
        error_message)
    SELECT id, scheduled_send_time, epoch, attempt, 'resolved', $3::varchar, $4, $5 FROM settled
)
SELECT id FROM settled

-- name: retry_failed
-- Have the rows in $1, at the instants in $2, tried once more that FAILED although they were surely
-- never taken: none of their attempts was ambiguous, and their provider told of no letter. It counts
-- as a retry, and the note stands among the attempts, as in `resolve`. Key and ledger stay.
-- moves: FAILED > RETRYING
WITH retried AS (
    UPDATE message_logs m
    SET status = 'RETRYING', epoch = m.epoch + 1, retry_count = m.retry_count + 1,
        next_attempt_at = $3, error_message = coalesce($4::text, 'decided by a person')
    FROM unnest($1::uuid[], $2::timestamptz[]) AS d (id, scheduled_send_time)
    WHERE m.id = d.id AND m.scheduled_send_time = d.scheduled_send_time
      AND m.scheduled_send_time BETWEEN $5 AND $6
      AND m.status {movable} AND m.ambiguous_count = 0 AND m.ambiguous_since IS NULL
      AND NOT EXISTS (
          SELECT FROM message_events e
          WHERE e.delivery_date = m.delivery_date AND e.message_id = m.id AND e.kind <> 'dropped')
    RETURNING m.id, m.scheduled_send_time, m.epoch, m.retry_count
), noted AS (
    INSERT INTO message_attempts (
        message_id, scheduled_send_time, epoch, attempt, outcome, status, finished_at,
        error_message)
    SELECT id, scheduled_send_time, epoch, retry_count, 'resolved', 'RETRYING', $3, $4 FROM retried
)
SELECT id FROM retried

-- name: list_by_status
-- Rows of a status, by instant. Its stage leads to an index that holds few others.
SELECT {columns} FROM message_logs
WHERE status = $1 AND stage = CASE WHEN $1 IN ('SCHEDULED', 'RETRYING') THEN 'PLANNED'
                                   WHEN $1 IN ('QUEUED', 'SENDING') THEN 'LEAVING' ELSE $1 END
ORDER BY scheduled_send_time, id
LIMIT $2

-- name: find
-- One row.
SELECT {columns} FROM message_logs WHERE id = $1

-- name: list_attempts
-- All attempts at a greeting that were noted, in order.
SELECT attempt, epoch, outcome, status, finished_at, api_response_code, error_message, sender
FROM message_attempts
WHERE message_id = $1
ORDER BY finished_at, id

-- name: cancel
-- Cancel the rows in $1, at the instants in $2, before anybody sends them, and note it among the
-- attempts. The reason is none that an edit gives, so no edit brings the row back. The new epoch
-- shuts out whoever made the last attempt.
-- moves: SCHEDULED QUEUED RETRYING > CANCELLED
WITH cancelled AS (
    UPDATE message_logs m
    SET status = 'CANCELLED', epoch = m.epoch + 1,
        error_message = concat_ws(': ', 'cancelled by a person', $4::text)
    FROM unnest($1::uuid[], $2::timestamptz[]) AS d (id, scheduled_send_time)
    WHERE m.id = d.id AND m.scheduled_send_time = d.scheduled_send_time
      AND m.scheduled_send_time BETWEEN $5 AND $6 AND m.status {movable}
    RETURNING m.id, m.scheduled_send_time, m.epoch, m.retry_count
), noted AS (
    INSERT INTO message_attempts (
        message_id, scheduled_send_time, epoch, attempt, outcome, status, finished_at,
        error_message)
    SELECT id, scheduled_send_time, epoch, retry_count + 1, 'resolved', 'CANCELLED', $3, $4
    FROM cancelled
)
SELECT id FROM cancelled

-- name: list_page
-- Rows from the instant $1 on and before $2, after the place ($1, $3), in order of instant and id.
-- The order is that of an index and of the months: no more is read than a page takes.
SELECT {columns} FROM message_logs
WHERE scheduled_send_time >= $1 AND scheduled_send_time < $2
  AND (scheduled_send_time, id) > ($1, $3)
  {conditions}
ORDER BY scheduled_send_time, id
LIMIT $4

-- name: of_status
-- Of a list: those that stand so.
AND status = ${n} AND stage = CASE WHEN ${n} IN ('SCHEDULED', 'RETRYING') THEN 'PLANNED'
                                   WHEN ${n} IN ('QUEUED', 'SENDING') THEN 'LEAVING' ELSE ${n} END

-- name: of_type
-- Of a list: those of a message type.
AND message_type = ${n}

-- name: of_person
-- Of a list: those of a person.
AND user_id = ${n}

-- name: of_doubt
-- Of a list: those that had an ambiguous attempt, or none.
AND (ambiguous_count > 0) = ${n}

-- name: delivered_from
-- Of a list: those of this delivery date or a later one.
AND delivery_date >= ${n}

-- name: delivered_to
-- Of a list: those of this delivery date or an earlier one.
AND delivery_date <= ${n}

-- name: of_zone
-- Of a list: those that were planned by a zone.
AND timezone = ${n}

-- name: of_sender
-- Of a list: those that left through a sender, or were last to leave.
AND sender = ${n}

-- name: of_lateness
-- Of a list: those that were sent more than a minute late, or are that late at an instant.
AND CASE WHEN status = 'SENT' THEN actual_send_time > scheduled_send_time + interval '1 minute'
         WHEN status IN ('SCHEDULED', 'QUEUED', 'SENDING', 'RETRYING')
         THEN scheduled_send_time < ${n}::timestamptz - interval '1 minute'
         ELSE false END
