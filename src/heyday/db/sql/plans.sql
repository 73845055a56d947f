-- Planning: zone days come in as arrays, people never leave the database.
--
-- Places: {date} and {month_day}, the columns of users that the message type is about, and
-- {left_at}, since when the person wants none of it;
-- {candidates}, zone days with the people they match: `everybody` or `some_people` below;
-- {by_edit}, the reasons for which an edit has cancelled a row, and not a person's decision;
-- {unplanned}, which leaves out what a plan for everybody finds in the ledger;
-- {id}, of a new row;   {content}, the composed text.

-- name: zone_days
-- The days, with what all rows of one have in common. OFFSET 0 has it made once for each day.
(
    SELECT *, date_part('year', delivery_date) AS year,
           ':' || $6 || ':' || to_char(delivery_date, 'YYYY-MM-DD') AS key_end,
           lpad(to_hex(floor(date_part('epoch', send_at) * 1000)::bigint), 12, '0') AS id_begin
    FROM unnest($1::date[], $2::smallint[], $3::varchar[], $4::timestamptz[], $5::boolean[])
        AS days (delivery_date, month_day, timezone, send_at, is_today)
    OFFSET 0
) AS d

-- name: everybody
-- Everybody's days. OFFSET 0 keeps PostgreSQL to one index step for each zone day; left to choose,
-- it reads the index from its start.
{zone_days}
CROSS JOIN LATERAL (
    SELECT * FROM users
    WHERE {month_day} = d.month_day AND timezone = d.timezone AND deleted_at IS NULL
    OFFSET 0
) AS u

-- name: some_people
-- The days of the people in $14. OFFSET 0 has these found first, by their ids: PostgreSQL, where it
-- has no statistics yet, would go through everybody for them.
{zone_days}
JOIN (SELECT * FROM users WHERE id = ANY ($14) OFFSET 0) AS u
    ON u.{month_day} = d.month_day AND u.timezone = d.timezone

-- name: content
-- The text of a greeting; format() fills all places in one pass, so a name is never read as a place.
-- $7 holds the texts for so many years, for one, and for a date whose year is not known: $8.
format(
    ($7::text[])[CASE WHEN occasion_year = $8 THEN 3 WHEN year - occasion_year = 1 THEN 2 ELSE 1 END],
    first_name, last_name, (year - occasion_year)::integer)

-- name: trust_the_join
-- Rows planned for everybody come from a join with users, so the foreign key need not look each of
-- them up and lock it, which was the largest single cost. The shared lock, which a DELETE of people
-- waits for (trigger wait_for_plans), keeps them there until the plan has committed. Where
-- Heyday's account may not set the parameter, the foreign key looks all the same.
SELECT pg_advisory_xact_lock_shared(7393003),
       CASE WHEN has_parameter_privilege('session_replication_role', 'SET')
            THEN set_config('session_replication_role', 'replica', true) END

-- name: join_by_hash
-- Keep PostgreSQL from comparing each row with each: it expects few where it has no statistics yet.
SET LOCAL enable_nestloop = off

-- name: hold_erasures
-- Let erasures wait until this transaction ends, for it writes names that it has read.
SELECT pg_advisory_xact_lock_shared(7393003)

-- name: unplanned
-- What the ledger does not hold, by one step of its index for each row, in the order of the rows.
-- OFFSET 0 keeps PostgreSQL to that: what it believes of a ledger that grows is never true. $14 and
-- $15, the first and last of the dates, spare it all other months.
WHERE NOT EXISTS (
    SELECT FROM idempotency_keys k
    WHERE k.delivery_date BETWEEN $14 AND $15 AND k.delivery_date = wanted.delivery_date
      AND k.user_id = wanted.user_id AND k.message_type = $6
    OFFSET 0)

-- name: timed_id
-- An id that begins with the instant, then has 42 random bits of the statement, then the number of
-- the row: a UUID of version 8.
(substr(id_begin, 1, 8) || '-' || substr(id_begin, 9) || '-8'
 || (SELECT substr(gen_random_uuid()::text, 16, 13))
 || lpad(to_hex(row_number() OVER ()), 8, '0'))::uuid

-- name: plan
-- Write the rows that are due on the zone days and not in the ledger: ledger first, in one order,
-- so that planners that run at once wait for each other's keys and seldom deadlock.
WITH due AS MATERIALIZED (
    SELECT *, {id} AS id
    FROM (
        SELECT u.id AS user_id, u.first_name, u.last_name, u.{date} AS occasion_date,
               date_part('year', u.{date}) AS occasion_year,
               d.year, d.delivery_date, d.timezone, d.send_at, d.is_today, d.key_end, d.id_begin
        FROM {candidates}
        WHERE u.deleted_at IS NULL AND u.unsubscribed_at IS NULL AND u.{left_at} IS NULL
          AND d.year - date_part('year', u.{date}) >= $9
          AND (d.send_at >= $10
               OR u.eligible_since <= d.send_at
               OR d.is_today AND $12)
        ORDER BY d.send_at, u.id
        OFFSET 0
    ) AS wanted
    {unplanned}
), ledger AS (
    INSERT INTO idempotency_keys (delivery_date, user_id, message_type)
    SELECT delivery_date, user_id, $6 FROM due
    ON CONFLICT DO NOTHING
    RETURNING delivery_date, user_id
)
INSERT INTO message_logs (
    id, user_id, message_type, delivery_date, scheduled_send_time, status, idempotency_key,
    message_content, occasion_date, timezone, tzdb_version, error_message)
SELECT id, user_id, $6, delivery_date, send_at,
       CASE WHEN is_late THEN 'SKIPPED' ELSE 'SCHEDULED' END,
       user_id || key_end,
       {content},
       occasion_date, timezone, $13,
       CASE WHEN is_late THEN 'planned after the late window had passed' END
FROM due
JOIN ledger USING (delivery_date, user_id)
CROSS JOIN LATERAL (SELECT send_at < $11 AND NOT is_today AS is_late) AS lateness

-- name: count_people
-- For each zone day, in the order given, how many people have it: in the index alone, mostly.
SELECT (
    SELECT count(*) FROM users
    WHERE {month_day} = d.month_day AND timezone = d.timezone AND deleted_at IS NULL)
FROM unnest($1::smallint[], $2::varchar[]) WITH ORDINALITY AS d (month_day, timezone, number)
ORDER BY d.number

-- name: retime_people
-- Bring unsent rows in line with what their people are now: what was planned stays owed, also where
-- its day is over by now, unless it is too late. A row that an edit has cancelled comes back if that
-- was taken back while it is owed. The row itself says who cancelled it: a decision that commits
-- while this waits for the row is seen. A row that may have been sent already keeps its text, for
-- it would be the same message.
-- moves: SCHEDULED QUEUED RETRYING CANCELLED > SCHEDULED
WITH wanted AS MATERIALIZED (
    SELECT user_id, delivery_date, timezone, send_at, occasion_date, {content} AS content,
           send_at >= $10 OR eligible_since <= send_at OR is_today AND $12 AS is_owed
    FROM (
        SELECT u.id AS user_id, u.first_name, u.last_name, u.{date} AS occasion_date,
               u.eligible_since, date_part('year', u.{date}) AS occasion_year,
               d.year, d.delivery_date, d.timezone, d.send_at, d.is_today
        FROM {candidates}
        WHERE u.deleted_at IS NULL AND u.unsubscribed_at IS NULL AND u.{left_at} IS NULL
          AND d.year - date_part('year', u.{date}) >= $9
          AND d.send_at >= $11
    ) AS candidates
)
UPDATE message_logs m
SET status = 'SCHEDULED', scheduled_send_time = w.send_at, timezone = w.timezone,
    occasion_date = w.occasion_date, tzdb_version = $13,
    message_content = CASE WHEN m.ambiguous_count = 0 THEN w.content ELSE m.message_content END,
    epoch = m.epoch + 1, queued_at = NULL, error_message = NULL
FROM wanted w
WHERE m.user_id = w.user_id AND m.message_type = $6 AND m.delivery_date = w.delivery_date
  AND m.scheduled_send_time BETWEEN $15 AND $16
  AND m.status {movable}
  AND (
      m.status <> 'CANCELLED' AND m.ambiguous_count = 0
      AND (m.scheduled_send_time, m.timezone, m.occasion_date, m.message_content)
          IS DISTINCT FROM (w.send_at, w.timezone, w.occasion_date, w.content)
      OR m.status = 'CANCELLED' AND m.error_message IN ({by_edit}) AND w.is_owed)

-- name: cancel_unwanted
-- Cancel unsent rows whose person left, unsubscribed, or now has another date or zone. Of a row
-- that may have been sent already only the day of the year counts, as in the claim. OFFSET 0 has the
-- people found once, and not for each row that anybody has.
-- moves: SCHEDULED QUEUED RETRYING > CANCELLED
UPDATE message_logs m
SET status = 'CANCELLED', epoch = m.epoch + 1,
    error_message = CASE WHEN u.deleted_at IS NOT NULL THEN 'person deleted'
                         WHEN coalesce(u.unsubscribed_at, u.{left_at}) IS NOT NULL
                         THEN 'person unsubscribed'
                         ELSE 'date or time zone changed' END
FROM (SELECT * FROM users WHERE id = ANY ($1) OFFSET 0) AS u
WHERE m.user_id = u.id AND m.message_type = $2
  AND m.scheduled_send_time >= $3 AND m.status {movable}
  AND (u.deleted_at IS NOT NULL OR coalesce(u.unsubscribed_at, u.{left_at}) IS NOT NULL
       OR m.ambiguous_count = 0 AND u.timezone <> m.timezone
       OR u.{date} IS DISTINCT FROM m.occasion_date
          AND (m.ambiguous_count = 0
               OR u.{month_day} IS DISTINCT FROM
                  date_part('month', m.occasion_date) * 100 + date_part('day', m.occasion_date)))

-- name: list_changed_user_ids
-- People whose unsent rows no longer fit, or whose rows that an edit cancelled may fit again: edits
-- by SQL.
-- A row may fit by its own date or by that of 29 February, which has others on its day.
SELECT m.user_id
FROM message_logs m
JOIN users u ON u.id = m.user_id
WHERE m.message_type = $1 AND m.stage = 'PLANNED'
  AND (u.deleted_at IS NOT NULL OR coalesce(u.unsubscribed_at, u.{left_at}) IS NOT NULL
       OR m.ambiguous_count = 0 AND u.timezone <> m.timezone
       OR u.{date} IS DISTINCT FROM m.occasion_date
          AND (m.ambiguous_count = 0
               OR u.{month_day} IS DISTINCT FROM
                  date_part('month', m.occasion_date) * 100 + date_part('day', m.occasion_date)))
UNION
SELECT m.user_id
FROM message_logs m
JOIN users u ON u.id = m.user_id
WHERE m.message_type = $1 AND m.stage = 'CANCELLED' AND m.scheduled_send_time >= $2
  AND m.error_message IN ({by_edit})
  AND u.deleted_at IS NULL AND u.unsubscribed_at IS NULL AND u.{left_at} IS NULL
  AND u.{month_day} IN (
      229,
      date_part('month', m.delivery_date) * 100 + date_part('day', m.delivery_date),
      date_part('month', m.occasion_date) * 100 + date_part('day', m.occasion_date))

-- name: count_unplanned
-- Greetings that are due on the zone days and that the ledger does not hold.
SELECT count(*)
FROM {candidates}
WHERE u.deleted_at IS NULL AND u.unsubscribed_at IS NULL AND u.{left_at} IS NULL
  AND d.year - date_part('year', u.{date}) >= $7
  AND (d.send_at >= $8 OR u.eligible_since <= d.send_at)
  AND NOT EXISTS (
      SELECT FROM idempotency_keys k
      WHERE k.delivery_date = d.delivery_date AND k.user_id = u.id AND k.message_type = $6)

-- name: list_pending_days
-- Zone, delivery date and instant of unsent rows that may be re-timed, each triple once. The halves
-- are the conditions of two partial indexes: a look at what is due before $3 reads little more.
SELECT timezone, delivery_date, scheduled_send_time
FROM message_logs
WHERE message_type = $1 AND stage = 'PLANNED' AND ambiguous_count = 0
  AND tzdb_version <= $2 AND scheduled_send_time < coalesce($3::timestamptz, 'infinity')
UNION
SELECT timezone, delivery_date, scheduled_send_time
FROM message_logs
WHERE message_type = $1 AND stage = 'LEAVING' AND status = 'QUEUED' AND ambiguous_count = 0
  AND tzdb_version <= $2 AND scheduled_send_time < coalesce($3::timestamptz, 'infinity')

-- name: retime
-- Move unsent rows from instants at which it is not 09:00 there any more, by a new tz database or
-- send time. What a newer release has planned stays: processes of two releases may run side by side.
-- moves: SCHEDULED QUEUED RETRYING > SCHEDULED
UPDATE message_logs m
SET status = 'SCHEDULED', scheduled_send_time = d.send_at, tzdb_version = $6,
    epoch = m.epoch + 1, queued_at = NULL
FROM unnest($2::varchar[], $3::date[], $4::timestamptz[], $5::timestamptz[])
    AS d (timezone, delivery_date, planned_at, send_at)
WHERE m.message_type = $1 AND m.timezone = d.timezone AND m.delivery_date = d.delivery_date
  AND m.scheduled_send_time = d.planned_at
  AND m.status {movable} AND m.ambiguous_count = 0
  AND m.tzdb_version <= $6

-- name: count_people_by_zone
-- Zones that people to be greeted live in, with how many.
SELECT timezone, count(*) AS people
FROM users
WHERE deleted_at IS NULL AND unsubscribed_at IS NULL
GROUP BY timezone

-- name: announce_due
-- Wake the minute schedulers when the transaction commits.
SELECT pg_notify('heyday_due', '')
