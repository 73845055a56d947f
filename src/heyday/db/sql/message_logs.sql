-- Greetings on their way. Bounds on scheduled_send_time lead straight to the partition.
--
-- Places: {occasion}, the person's date that the row is about; {left}, the columns that say since
-- when a person wants none of a message type, and {left_at}, that of the row's type;
-- {skip_before} and {same_occasion}, the element for the row's message type of an array with one for
-- each; {twin}, {greeted} and {which}, what tells the statements that claim apart; {within}, when the
-- rows of a batch leave.
--
-- `stage` stands beside `status` where an index has to find few rows among very many (db/schema.py).

-- name: enqueue_due
-- Take what is due before $2, oldest first: the caller commits, then publishes. Rows that were
-- planned together have ids that follow each other, and lie together: so do those of a batch.
-- moves: SCHEDULED RETRYING > QUEUED
WITH due AS (
    SELECT id, scheduled_send_time
    FROM message_logs m
    WHERE stage = 'PLANNED' AND status {movable}
      AND scheduled_send_time >= $3 AND scheduled_send_time < $2
      AND scheduled_send_time >= {skip_before}
      AND (next_attempt_at IS NULL OR next_attempt_at < $2)
    ORDER BY scheduled_send_time, id
    LIMIT $4
    FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE message_logs m
    SET status = 'QUEUED', queued_at = $1
    FROM due d
    WHERE m.id = d.id AND m.scheduled_send_time = d.scheduled_send_time
      AND m.scheduled_send_time >= $3 AND m.scheduled_send_time < $2
    RETURNING m.id, m.scheduled_send_time, greatest(m.scheduled_send_time, m.next_attempt_at) AS due_at
)
SELECT id, scheduled_send_time, due_at FROM moved ORDER BY due_at, scheduled_send_time, id

-- name: news
-- What NOTIFY would tell: whether anything is due before $2 that nobody has queued, and when a
-- provider last asked for a slower pace.
SELECT EXISTS (
           SELECT FROM message_logs m
           WHERE stage = 'PLANNED'
             AND scheduled_send_time >= $1 AND scheduled_send_time < $2
             AND scheduled_send_time >= {skip_before}
             AND (next_attempt_at IS NULL OR next_attempt_at < $2)) AS is_due,
       (SELECT max(greatest(slowed_at, blocked_until)) FROM provider_pace) AS slowed_at

-- name: enqueue_again
-- Take what was queued before $6, was due before $2, and was claimed by nobody: a lost batch.
-- moves: QUEUED > QUEUED
WITH lost AS (
    SELECT id, scheduled_send_time
    FROM message_logs m
    WHERE stage = 'LEAVING' AND status {movable} AND queued_at < $6
      AND scheduled_send_time >= $3 AND scheduled_send_time < $2
      AND scheduled_send_time >= {skip_before}
      AND (next_attempt_at IS NULL OR next_attempt_at < $2)
    ORDER BY scheduled_send_time
    LIMIT $4
    FOR UPDATE SKIP LOCKED
)
UPDATE message_logs m
SET queued_at = $1
FROM lost l
WHERE m.id = l.id AND m.scheduled_send_time = l.scheduled_send_time
  AND m.scheduled_send_time >= $3 AND m.scheduled_send_time < $2
RETURNING m.id, m.scheduled_send_time, greatest(m.scheduled_send_time, m.next_attempt_at) AS due_at

-- name: is_doubtful
-- Whether a row may be the second one for an occasion: a date was changed not long ago, or the
-- greeting is on another day than the date itself (29 February), by a policy that may have changed.
coalesce(
    p.dates_changed_at > m.scheduled_send_time - {same_occasion} - interval '2 days'
    OR date_part('day', m.delivery_date) <> date_part('day', m.occasion_date), false)

-- name: lock_doubtful
-- Let doubtful rows be claimed by one transaction at a time, and the next one see what it did: two
-- rows for one occasion may lie in two batches.
SELECT pg_advisory_xact_lock(7393004)

-- name: twin
-- What became of the others of this type around the row: sent, perhaps sent, or on its way now,
-- which an earlier one of the same batch will be with this very statement.
LEFT JOIN LATERAL (
    SELECT max(o.delivery_date) FILTER (WHERE o.status IN ('SENT', 'UNKNOWN')
                                           OR o.status <> 'SENDING' AND o.ambiguous_count > 0)
               AS greeted_on,
           bool_or(o.status = 'SENDING' OR o.status = 'QUEUED' AND o.ambiguous_count = 0)
               AS is_leaving
    FROM message_logs o
    WHERE o.user_id = m.user_id AND o.message_type = m.message_type
      AND o.delivery_date <> m.delivery_date
      AND o.delivery_date > m.delivery_date - {same_occasion}
      AND o.delivery_date < m.delivery_date + {same_occasion}
      AND o.scheduled_send_time > m.scheduled_send_time - {same_occasion} - interval '2 days'
      AND o.scheduled_send_time < m.scheduled_send_time + {same_occasion} + interval '2 days'
      AND (o.status IN ('SENT', 'UNKNOWN', 'SENDING') OR o.ambiguous_count > 0
           OR o.status = 'QUEUED' AND o.id = ANY ($1) AND o.delivery_date < m.delivery_date)
) AS twin ON true

-- name: greeted
-- Why a row whose twin was sent is not.
WHEN twin.greeted_on IS NOT NULL THEN 'greeted for this occasion on ' || twin.greeted_on

-- name: claim
-- Take the rows of a batch that are due. People are locked before rows, both in order of id, as
-- edits lock them: a change that commits first wins, as it has raised the epoch.
-- There are two of it: for rows that are not doubtful; and for those that are, with their twins. Of
-- each there are two, for a batch of one instant and for one of several.
-- A row whose person has another date or zone now stays QUEUED: the caller replans that person. Who
-- has perhaps been greeted gets the same letter again or none, whatever the zone and the year.
-- Rows are found one by one, by the whole of a key: as a set, while statistics do not know the very
-- many rows of one instant yet, each claim would read all of them. OFFSET 0 keeps it so. $2 is when
-- the first and the last of the batch leave; $3, bounds that are wider, leads to its month without
-- seeming a shorter way, and is a value, not reckoned here: else all months would be planned for.
-- $8 is through whom each row leaves, and $9 through whom after an odd number of retries. Who it is
-- is written before the call: of a worker that dies in it nobody else could tell. A row that may
-- have been taken already stays with whom it was.
-- moves: QUEUED > SENDING CANCELLED SKIPPED QUEUED
WITH batch AS MATERIALIZED (
    SELECT m.*, b.sender, b.spare
    FROM unnest($1::uuid[], $8::varchar[], $9::varchar[]) AS b (id, sender, spare)
    CROSS JOIN LATERAL (
        SELECT id, user_id, scheduled_send_time, status, epoch, message_type, delivery_date,
               occasion_date, timezone, ambiguous_count, next_attempt_at
        FROM message_logs
        WHERE id = b.id AND scheduled_send_time {within}
          AND scheduled_send_time <= $4 AND (next_attempt_at IS NULL OR next_attempt_at <= $4)
        OFFSET 0
    ) AS m
), people AS MATERIALIZED (
    SELECT u.id, u.email, u.timezone, u.birthday_date, u.anniversary_date, u.dates_changed_at,
           u.deleted_at IS NOT NULL AS is_deleted, u.unsubscribed_at, {left}
    FROM users u
    WHERE u.id IN (SELECT user_id FROM batch)
    ORDER BY u.id
    FOR SHARE
), target AS MATERIALIZED (
    SELECT m.id, m.scheduled_send_time, m.status, m.epoch, m.sender, m.spare, p.email,
           p.timezone AS person_timezone,
           CASE WHEN p.is_deleted THEN 'person deleted'
                WHEN coalesce(p.unsubscribed_at, {left_at}) IS NOT NULL
                THEN 'person unsubscribed' END AS unwanted,
           is_changed,
           CASE WHEN is_changed THEN NULL
                WHEN m.scheduled_send_time < {skip_before} THEN 'the late window had passed'
                {greeted} END AS skipped
    FROM batch m
    JOIN people p ON p.id = m.user_id
    CROSS JOIN LATERAL (
        SELECT m.ambiguous_count = 0 AND p.timezone <> m.timezone
               OR {occasion} IS DISTINCT FROM m.occasion_date
                  AND (m.ambiguous_count = 0
                       OR (date_part('month', {occasion}), date_part('day', {occasion}))
                          IS DISTINCT FROM
                          (date_part('month', m.occasion_date), date_part('day', m.occasion_date)))
               AS is_changed
    ) AS fit
    {twin}
    WHERE {which}
    ORDER BY m.id
)
UPDATE message_logs m
SET status = CASE WHEN t.unwanted IS NOT NULL THEN 'CANCELLED'
                  WHEN t.is_changed THEN 'QUEUED'
                  WHEN t.skipped IS NOT NULL THEN 'SKIPPED'
                  ELSE 'SENDING' END,
    epoch = m.epoch + 1,
    lease_until = CASE WHEN coalesce(t.unwanted, t.skipped) IS NULL AND NOT t.is_changed
                       THEN now() + $6::interval END,
    sender = CASE WHEN m.ambiguous_since IS NOT NULL
                       OR coalesce(t.unwanted, t.skipped) IS NOT NULL OR t.is_changed THEN m.sender
                  WHEN m.retry_count % 2 = 1 THEN coalesce(t.spare, t.sender, m.sender)
                  ELSE coalesce(t.sender, m.sender) END,
    error_message = coalesce(t.unwanted, t.skipped, m.error_message)
FROM target t
WHERE m.id = t.id AND m.scheduled_send_time = t.scheduled_send_time
  AND m.scheduled_send_time BETWEEN ($3::timestamptz[])[1] AND ($3::timestamptz[])[2]
  AND t.status {movable} AND m.status {movable} AND m.epoch = t.epoch
RETURNING m.id, m.user_id, m.scheduled_send_time, m.status, m.epoch, m.lease_until, m.retry_count,
          m.ambiguous_count, m.ambiguous_since, m.message_type, m.idempotency_key, t.email,
          t.person_timezone, m.message_content, m.message_subject, m.message_html, m.language,
          m.sender

-- name: read_ahead
-- Have in memory what a claim of these rows will read: the rows, and people who lie all over their
-- table. Each is looked for by its key, as there.
SELECT count(u.timezone)
FROM unnest($1::uuid[]) AS b (id)
CROSS JOIN LATERAL (
    SELECT user_id FROM message_logs WHERE id = b.id AND scheduled_send_time {within} OFFSET 0
) AS m
CROSS JOIN LATERAL (SELECT timezone FROM users WHERE id = m.user_id OFFSET 0) AS u

-- name: find_held
-- Rows as a claim left them of which nobody knows whether it was committed. No two claims of a row
-- give it the same epoch and a lease that ends in the same microsecond.
SELECT m.id
FROM unnest($1::uuid[], $2::timestamptz[], $3::integer[]) AS c (id, scheduled_send_time, epoch)
JOIN message_logs m ON m.id = c.id AND m.scheduled_send_time = c.scheduled_send_time
WHERE m.status = 'SENDING' AND m.epoch = c.epoch AND m.lease_until = $4

-- name: claim_expired
-- Take over rows whose sender let its lease run out; the new epoch shuts the old one out. Its last
-- sign of life was when the lease began: a call of which nothing is known began no earlier.
WITH expired AS (
    SELECT id, scheduled_send_time
    FROM message_logs
    WHERE stage = 'LEAVING' AND status = 'SENDING' AND lease_until < now()
    ORDER BY scheduled_send_time
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
UPDATE message_logs m
SET epoch = m.epoch + 1, lease_until = now() + $1::interval,
    ambiguous_since = coalesce(m.ambiguous_since, m.lease_until - $1::interval)
FROM expired e, users u
WHERE m.id = e.id AND m.scheduled_send_time = e.scheduled_send_time AND u.id = m.user_id
RETURNING m.id, m.user_id, m.scheduled_send_time, m.status, m.epoch, m.retry_count,
          m.ambiguous_count, m.ambiguous_since, m.message_type, m.idempotency_key, u.email,
          m.message_content, m.message_subject, m.message_html, m.language, m.sender

-- name: prolong
-- Let the lease of rows begin anew that are still the sender's own.
UPDATE message_logs m
SET lease_until = now() + $4::interval
FROM unnest($1::uuid[], $2::timestamptz[], $3::integer[]) AS h (id, scheduled_send_time, epoch)
WHERE m.id = h.id AND m.scheduled_send_time = h.scheduled_send_time
  AND m.scheduled_send_time BETWEEN $5 AND $6
  AND m.status = 'SENDING' AND m.epoch = h.epoch
RETURNING m.id

-- name: record
-- Write outcomes where status and epoch are still the sender's own; note each attempt that was
-- not a plain first success, once: a sender that lost the answer to its COMMIT comes again. A row
-- without a text is one of a person who was erased during the attempt: what a provider says stays
-- out of it. The conditions on outcomes hold always: they have PostgreSQL expect few of them, and
-- look for each row by its key, as in `claim`.
-- moves: SENDING > SENT FAILED RETRYING UNKNOWN
WITH outcome AS (
    SELECT *
    FROM unnest(
        $1::uuid[], $2::timestamptz[], $3::integer[], $4::varchar[], $5::smallint[], $6::varchar[],
        $7::timestamptz[], $8::smallint[], $9::smallint[], $10::timestamptz[], $11::timestamptz[],
        $12::smallint[], $13::text[], $14::text[], $15::text[], $16::varchar[])
        AS o (id, scheduled_send_time, epoch, status, attempt, outcome, finished_at, retry_count,
              ambiguous_count, ambiguous_since, next_attempt_at, code, body, error,
              provider_message_id, sender)
    WHERE o.status IN ('SENT', 'FAILED', 'RETRYING', 'UNKNOWN')
      AND o.attempt >= 1 AND o.retry_count >= 0 AND o.ambiguous_count >= 0
), written AS (
    UPDATE message_logs m
    SET status = o.status,
        actual_send_time = CASE WHEN o.status = 'SENT' THEN o.finished_at END,
        retry_count = o.retry_count, ambiguous_count = o.ambiguous_count,
        ambiguous_since = o.ambiguous_since, next_attempt_at = o.next_attempt_at,
        lease_until = NULL,
        api_response_code = o.code, error_message = o.error,
        api_response_body = CASE WHEN m.message_content <> '' THEN o.body END,
        provider_message_id = CASE WHEN m.message_content <> '' THEN o.provider_message_id END
    FROM outcome o
    WHERE m.id = o.id AND m.scheduled_send_time = o.scheduled_send_time
      AND m.scheduled_send_time BETWEEN $17 AND $18
      AND m.status {movable} AND m.epoch = o.epoch
    RETURNING m.id
), noted AS (
    INSERT INTO message_attempts (
        message_id, scheduled_send_time, epoch, attempt, outcome, status, finished_at,
        api_response_code, error_message, sender)
    SELECT o.id, o.scheduled_send_time, o.epoch, o.attempt, o.outcome, o.status, o.finished_at,
           o.code, o.error, o.sender
    FROM outcome o
    WHERE NOT (o.status = 'SENT' AND o.attempt = 1)
      AND NOT EXISTS (
          SELECT FROM message_attempts a WHERE a.message_id = o.id AND a.epoch = o.epoch)
)
SELECT count(*) FROM written

-- name: count_recorded
-- How many rows nobody has claimed since these outcomes were written.
SELECT count(*)
FROM unnest($1::uuid[], $2::timestamptz[], $3::integer[]) AS o (id, scheduled_send_time, epoch)
JOIN message_logs m ON m.id = o.id AND m.scheduled_send_time = o.scheduled_send_time
WHERE m.scheduled_send_time BETWEEN $4 AND $5 AND m.epoch = o.epoch AND m.status <> 'SENDING'

-- name: skip_late
-- End what is too late to be sent. $2, the latest of $1, lets an index find it.
-- moves: SCHEDULED QUEUED RETRYING > SKIPPED
UPDATE message_logs m
SET status = 'SKIPPED', epoch = epoch + 1, error_message = 'the late window had passed'
WHERE (stage = 'PLANNED' OR stage = 'LEAVING') AND status {movable}
  AND scheduled_send_time < $2 AND scheduled_send_time < {skip_before}

-- name: balance
-- What became of the greetings of one type that were scheduled in a window.
SELECT count(*) AS due,
       count(*) FILTER (WHERE status = 'SENT') AS sent,
       count(*) FILTER (WHERE status = 'FAILED') AS failed,
       count(*) FILTER (WHERE status = 'CANCELLED') AS cancelled,
       count(*) FILTER (WHERE status = 'SKIPPED') AS skipped,
       count(*) FILTER (WHERE status = 'UNKNOWN') AS unknown,
       count(*) FILTER (WHERE status IN ('SCHEDULED', 'QUEUED', 'SENDING', 'RETRYING')) AS live,
       count(*) FILTER (
           WHERE status IN ('SCHEDULED', 'QUEUED', 'SENDING', 'RETRYING')
             AND greatest(scheduled_send_time, created_at, next_attempt_at) < $4) AS overdue,
       count(*) FILTER (
           WHERE status = 'SENT'
             AND actual_send_time > scheduled_send_time + interval '1 minute') AS late
FROM message_logs
WHERE message_type = $1 AND scheduled_send_time >= $2 AND scheduled_send_time < $3

-- name: count_on_the_way
-- Greetings that are QUEUED or SENDING at $1, by how long they have been due: the bounds are $2, in
-- seconds. A partial index holds these alone.
SELECT status, width_bucket(extract(epoch FROM $1 - due_at)::double precision, $2) AS age,
       count(*) AS greetings, min(due_at) AS oldest_due_at
FROM message_logs
CROSS JOIN LATERAL (SELECT greatest(scheduled_send_time, next_attempt_at) AS due_at) AS due
WHERE stage = 'LEAVING'
GROUP BY 1, 2

-- name: find_next
-- The next greeting to leave.
SELECT u.first_name, u.last_name, m.message_type, m.timezone, m.scheduled_send_time
FROM message_logs m
JOIN users u ON u.id = m.user_id
WHERE m.status IN ('SCHEDULED', 'QUEUED', 'RETRYING') AND m.scheduled_send_time > $1
ORDER BY m.scheduled_send_time
LIMIT 1
