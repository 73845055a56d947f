-- What the database knows of restores, and how it is brought up to a ledger of sends.
--
-- A key names the local date, so its row lies within some days of the instant that is noted: each is
-- looked for in one month, or two, by the index over keys. OFFSET 0 keeps it so, however many there
-- are. Place: {around}, by how much.

-- name: look
-- Who holds; whether the database lacks what a ledger has seen of it since it last went on: all of
-- the rows as a claim left them ($2, $3, $4; seen at $1), or a run of a job ($6, $7; seen at $5); and
-- the last run of a job that it has. A row that is gone while its key is here tells nothing: that is
-- how a person is removed.
WITH last AS (
    SELECT coalesce(max(resumed_at), '-infinity') AS resumed_at FROM restores
)
SELECT h.found_at, h.reason, h.back_to, r.id AS run_id, r.started_at AS run_started_at,
       coalesce($1::timestamptz > last.resumed_at, false) AND NOT EXISTS (
           SELECT FROM unnest($2::varchar[], $3::timestamptz[], $4::integer[])
               AS c (key, due_at, epoch)
           LEFT JOIN LATERAL (
               SELECT epoch FROM message_logs
               WHERE idempotency_key = c.key
                 AND scheduled_send_time BETWEEN c.due_at - {around} AND c.due_at + {around}
               OFFSET 0) AS m ON true
           WHERE m.epoch >= c.epoch OR m.epoch IS NULL AND EXISTS (
               SELECT FROM idempotency_keys i
               WHERE i.delivery_date = split_part(c.key, ':', 3)::date
                 AND i.user_id = split_part(c.key, ':', 1)::uuid
                 AND i.message_type = split_part(c.key, ':', 2))) AS lacks_claims,
       coalesce($5::timestamptz > last.resumed_at, false) AND NOT EXISTS (
           SELECT FROM job_runs WHERE id = $6::bigint AND started_at = $7::timestamptz)
           AS lacks_run
FROM last
LEFT JOIN restores h ON h.resumed_at IS NULL
LEFT JOIN LATERAL (SELECT id, started_at FROM job_runs ORDER BY id DESC LIMIT 1) AS r ON true

-- name: hold
-- Hold everything, unless it is held; note how far the database reached.
INSERT INTO restores (found_at, reason, back_to)
SELECT $1, $2, (SELECT started_at FROM job_runs ORDER BY id DESC LIMIT 1)
ON CONFLICT DO NOTHING
RETURNING id

-- name: resume
-- End the hold.
UPDATE restores SET resumed_at = $1 WHERE resumed_at IS NULL RETURNING id

-- name: found
-- What a ledger knows, with the row that is here of it and whether its person is.
SELECT k.*, m.id, m.scheduled_send_time, m.status, m.ambiguous_count,
       EXISTS (SELECT FROM users u WHERE u.id = k.user_id) AS is_there
FROM unnest($1::varchar[], $2::uuid[], $3::varchar[], $4::date[], $5::timestamptz[],
            $6::varchar[], $7::timestamptz[], $8::smallint[], $9::timestamptz[])
    AS k (key, user_id, message_type, delivery_date, due_at, sender, accepted_at, doubts,
          in_doubt_since)
LEFT JOIN LATERAL (
    SELECT id, scheduled_send_time, status, ambiguous_count
    FROM message_logs
    WHERE idempotency_key = k.key
      AND scheduled_send_time BETWEEN k.due_at - {around} AND k.due_at + {around}
    OFFSET 0
) AS m ON true

-- name: compare
-- Count what a ledger knows by what is here of it. A key without a person that is noted as greeted is
-- known: nothing can be added to that.
SELECT count(*) FILTER (WHERE accepted_at IS NOT NULL AND (status = 'SENT' OR id IS NULL AND noted))
           AS known,
       count(*) FILTER (WHERE accepted_at IS NOT NULL AND status <> 'SENT') AS unsettled,
       count(*) FILTER (WHERE accepted_at IS NOT NULL AND id IS NULL AND NOT noted) AS missing,
       count(*) FILTER (WHERE accepted_at IS NOT NULL AND NOT is_there) AS strangers,
       count(*) FILTER (WHERE accepted_at IS NULL AND status IN ('SCHEDULED', 'QUEUED', 'RETRYING')
                          AND ambiguous_count < doubts) AS doubtful,
       count(*) FILTER (WHERE accepted_at IS NULL AND id IS NULL) AS gone
FROM ({found}) AS f
CROSS JOIN LATERAL (
    SELECT EXISTS (
        SELECT FROM idempotency_keys i
        WHERE i.delivery_date = f.delivery_date AND i.user_id = f.user_id
          AND i.message_type = f.message_type) AS noted
) AS keys

-- name: settle
-- Take rows for sent that a provider has accepted, wherever they stood; note it among the attempts.
-- The new epoch shuts out whoever holds them.
-- learns: SCHEDULED QUEUED SENDING RETRYING UNKNOWN FAILED CANCELLED SKIPPED > SENT
WITH settled AS (
    UPDATE message_logs m
    SET status = 'SENT', epoch = m.epoch + 1, actual_send_time = f.accepted_at,
        lease_until = NULL, next_attempt_at = NULL, sender = coalesce(f.sender, m.sender),
        error_message = 'known from the ledger of sends'
    FROM ({found}) AS f
    WHERE f.accepted_at IS NOT NULL
      AND m.id = f.id AND m.scheduled_send_time = f.scheduled_send_time AND m.status {movable}
    RETURNING m.id, m.scheduled_send_time, m.epoch, m.retry_count, m.actual_send_time, m.sender
), noted AS (
    INSERT INTO message_attempts (
        message_id, scheduled_send_time, epoch, attempt, outcome, status, finished_at,
        error_message, sender)
    SELECT id, scheduled_send_time, epoch, retry_count + 1, 'accepted', 'SENT', actual_send_time,
           'known from the ledger of sends', sender
    FROM settled
)
SELECT count(*) FROM settled

-- name: add
-- Note keys as greeted that a provider has accepted and of which no row is here, also where the
-- person is not; where they are, with a row. Its text is lost.
WITH missing AS (
    SELECT * FROM ({found}) AS f WHERE accepted_at IS NOT NULL AND id IS NULL
), noted AS (
    INSERT INTO idempotency_keys (delivery_date, user_id, message_type)
    SELECT delivery_date, user_id, message_type FROM missing
    ON CONFLICT DO NOTHING
    RETURNING delivery_date, user_id, message_type
), added AS (
    INSERT INTO message_logs (
        user_id, message_type, delivery_date, scheduled_send_time, actual_send_time, status,
        idempotency_key, message_content, occasion_date, timezone, tzdb_version, language, sender,
        error_message)
    SELECT k.user_id, k.message_type, k.delivery_date, k.due_at, k.accepted_at, 'SENT', k.key, '',
           k.delivery_date, u.timezone, $10, 'und', k.sender, 'known from the ledger of sends'
    FROM missing k
    JOIN noted USING (delivery_date, user_id, message_type)
    JOIN users u ON u.id = k.user_id
    RETURNING id
)
SELECT count(*) FROM noted

-- name: doubt
-- Leave pending rows that are in doubt as a worker leaves them that vanishes in the middle of its
-- last call: the sweep decides about them.
-- learns: SCHEDULED QUEUED RETRYING > SENDING
WITH doubted AS (
    UPDATE message_logs m
    SET status = 'SENDING', epoch = m.epoch + 1, lease_until = now() - interval '1 second',
        ambiguous_count = greatest(m.ambiguous_count, f.doubts - 1),
        ambiguous_since = least(m.ambiguous_since, f.in_doubt_since),
        sender = coalesce(f.sender, m.sender), next_attempt_at = NULL
    FROM ({found}) AS f
    WHERE f.accepted_at IS NULL AND m.ambiguous_count < f.doubts
      AND m.id = f.id AND m.scheduled_send_time = f.scheduled_send_time AND m.status {movable}
    RETURNING m.id
)
SELECT count(*) FROM doubted
