-- Planning: zone days come in as arrays, people never leave the database.
--
-- Places: {date} and {month_day}, the columns of users that the message type is about, and
-- {left_at}, since when the person wants none of it;
-- {candidates}, zone days with the people they match: `everybody` or `some_people` below;
-- {by_edit}, the reasons for which an edit has cancelled a row, and not a person's decision;
-- {unplanned}, which leaves out what a plan for everybody finds in the ledger;
-- {id}, of a new row;
-- {worded}, which finds the number of a person's text, and leaves out whom no text is for;
-- {subject}, {text}, {html}, {language}, what is composed;   {texts}, of what besides;
-- {send_at}, when a person's greeting leaves; {id_begin}, with what its id begins; {spread}, over
-- how many seconds those of its zone day do. Where that is none, these are the zone day's. Else
-- {spreads} and {spread_of_days} bring the spreads of zone days, {own} reckons a person's instant
-- and {own_spread} and {own_spread_name} note the spread in new rows;
-- {planned_at}, the send time that a row was planned from; {moved_at}, where it is moved to; and
-- {lies_there}, whether it lies where it was found.
--
-- Where texts of a language ask something about names, `composed_texts` holds them, each composed
-- for its greeting; their numbers begin at 1000000, where no text has one. {composed} leaves out
-- whom it has none for: they came since.

-- name: zone_days
-- The days, with what all rows of one have in common. OFFSET 0 has it made once for each day.
(
    SELECT *, date_part('year', delivery_date) AS year,
           ':' || $6 || ':' || to_char(delivery_date, 'YYYY-MM-DD') AS key_end,
           lpad(to_hex(floor(date_part('epoch', send_at) * 1000)::bigint), 12, '0') AS id_begin
    FROM unnest(
        $1::date[], $2::smallint[], $3::varchar[], $4::timestamptz[], $5::boolean[]{spreads})
        AS days (delivery_date, month_day, timezone, send_at, is_today{spread_of_days})
    OFFSET 0
) AS d

-- name: offset
-- By how many seconds a greeting leaves after the send time: of the spread, the part that 32 bits
-- of a hash of its key are of all that they could be. domain/spreading.py reckons the same.
(('x' || left(encode(sha256(convert_to({key}, 'UTF8')), 'hex'), 8))::bit(32)::bigint
 * {spread} >> 32)

-- name: own
-- When each person's greeting leaves, of those that leave in the window. OFFSET 0 has it reckoned
-- once for each.
JOIN LATERAL (
    SELECT d.send_at + interval '1 second' * {offset} AS send_at, d.spread
    OFFSET 0
) AS own ON own.send_at >= {start_at} AND own.send_at < {end_at}

-- name: id_begin
-- As that of a zone day, for a person's own instant.
lpad(to_hex(floor(date_part('epoch', own.send_at) * 1000)::bigint), 12, '0')

-- name: everybody
-- Everybody's days. OFFSET 0 keeps PostgreSQL to one index step for each zone day; left to choose,
-- it reads the index from its start.
{zone_days}
CROSS JOIN LATERAL (
    SELECT * FROM users
    WHERE {month_day} = d.month_day AND timezone = d.timezone AND deleted_at IS NULL
    OFFSET 0
) AS u
{own}

-- name: some_people
-- The days of the people in $15. OFFSET 0 has these found first, by their ids: PostgreSQL, where it
-- has no statistics yet, would go through everybody for them.
{zone_days}
JOIN (SELECT * FROM users WHERE id = ANY ($15) OFFSET 0) AS u
    ON u.{month_day} = d.month_day AND u.timezone = d.timezone
{own}

-- name: names
-- Names without the character that stands for the link to unsubscribe in texts.
replace(u.first_name, U&'\FDD0', '') AS first_name,
replace(u.last_name, U&'\FDD0', '') AS last_name

-- name: worded
-- By locale, years and day the number of the text. A factor of 0, $10 or $11, makes all years, or
-- days, one, where no text depends on them. Whoever has a locale, or years, that nobody had when
-- texts were chosen waits for the next plan. `people` have an OFFSET 0: left to choose, PostgreSQL
-- looks for the people of each text anew.
JOIN unnest($7::varchar[], $12::integer[], $13::integer[], $14::integer[])
    AS wording (locale, years, day, number)
    ON wording.locale = coalesce(people.locale, '')
    AND wording.years = $10::integer * people.years
    AND wording.day = $11::integer * (people.delivery_date - date '2000-01-01')

-- name: years
-- How many years a greeting counts; -1 if nobody knows, for which $8 stands as a year.
(CASE WHEN date_part('year', u.{date}) = $8 THEN -1
      ELSE d.year - date_part('year', u.{date}) END)::integer

-- name: subject
-- By its number, from a JSON array: a join would cost no less, and lose the order of the rows.
-- format() fills all places in one pass, so a name is never read as a place.
format($21::jsonb ->> number, first_name, last_name)

-- name: text
-- As the subject.
format($22::jsonb ->> number, first_name, last_name)

-- name: html
-- As the subject, with names as HTML shows them. Most texts may have none, which costs next to
-- nothing.
CASE WHEN $23::jsonb ->> number IS NOT NULL
     THEN format($23::jsonb ->> number, {first_name}, {last_name}) END

-- name: language
-- That of the text.
($20::jsonb ->> number)

-- name: escaped
-- A name as HTML shows it: as domain/seed_texts.py and markupsafe write it.
replace(replace(replace(replace(replace(
    {name}, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '''', '&#39;'), '"', '&#34;')

-- name: composed
-- Whom a text was composed for, of those who need one.
WHERE wording.number < 1000000 OR EXISTS (
    SELECT FROM composed_texts c
    WHERE c.person_id = people.user_id AND c.day = people.delivery_date)

-- name: make_room
-- Where composed texts are brought to; the transaction's own.
DROP TABLE IF EXISTS pg_temp.composed_texts;
CREATE TEMPORARY TABLE composed_texts (
    person_id uuid, day date, language varchar, subject text, text text, html text,
    PRIMARY KEY (person_id, day)
) ON COMMIT DROP

-- name: list_to_compose
-- The greetings of people whose texts are composed for each of them: what `plan` would write.
SELECT *
FROM (
    SELECT people.*, wording.number
    FROM (
        SELECT u.id AS user_id, {names}, u.locale, {years} AS years,
               d.delivery_date
        FROM {candidates}
        WHERE u.deleted_at IS NULL AND u.unsubscribed_at IS NULL AND u.{left_at} IS NULL
          AND d.year - date_part('year', u.{date}) >= $9
        OFFSET 0
    ) AS people
    {worded}
    WHERE wording.number >= 1000000
    OFFSET 0
) AS wanted
{unplanned}

-- name: trust_the_join
-- Rows planned for everybody come from a join with users, so the foreign key need not look each of
-- them up and lock it, which was the largest single cost. The shared lock, which a DELETE of people
-- waits for (trigger wait_for_plans), keeps them there until the plan has committed. Where
-- Heyday's account may not set the parameter, the foreign key looks all the same.
SELECT pg_advisory_xact_lock_shared(7393003),
       CASE WHEN has_parameter_privilege('session_replication_role', 'SET')
            THEN set_config('session_replication_role', 'replica', true) END

-- name: join_by_hash
-- Keep PostgreSQL from comparing each row with each: it expects few where it has no statistics yet;
-- and none where a month was empty when it was last vacuumed, so that it would read all of it for
-- each row.
SELECT set_config('enable_nestloop', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('enable_seqscan', 'off', true)

-- name: hold_erasures
-- Let erasures wait until this transaction ends, for it writes names that it has read.
SELECT pg_advisory_xact_lock_shared(7393003)

-- name: unplanned
-- What the ledger does not hold, by one step of its index for each row, in the order of the rows.
-- OFFSET 0 keeps PostgreSQL to that: what it believes of a ledger that grows is never true. $15, the
-- first and last of the dates, spares it all other months.
WHERE NOT EXISTS (
    SELECT FROM idempotency_keys k
    WHERE k.delivery_date BETWEEN ($15::date[])[1] AND ($15::date[])[2]
      AND k.delivery_date = wanted.delivery_date
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
        SELECT people.*, wording.number
        FROM (
            SELECT u.id AS user_id, {names}, u.locale, {years} AS years,
                   u.{date} AS occasion_date, d.delivery_date, d.timezone, {send_at} AS send_at,
                   d.is_today, d.key_end, {id_begin} AS id_begin{own_spread}
            FROM {candidates}
            WHERE u.deleted_at IS NULL AND u.unsubscribed_at IS NULL AND u.{left_at} IS NULL
              AND d.year - date_part('year', u.{date}) >= $9
              AND ({send_at} >= $16
                   OR u.eligible_since <= {send_at}
                   OR d.is_today AND $18)
            OFFSET 0
        ) AS people
        {worded}
        {composed}
        ORDER BY send_at, user_id
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
    message_content, occasion_date, timezone, tzdb_version, error_message, message_subject,
    message_html, language{own_spread_name})
SELECT id, user_id, $6, delivery_date, send_at,
       CASE WHEN is_late THEN 'SKIPPED' ELSE 'SCHEDULED' END,
       user_id || key_end,
       {text},
       occasion_date, timezone, $19,
       CASE WHEN is_late THEN 'planned after the late window had passed' END,
       {subject}, {html}, {language}{own_spread_name}
FROM due
JOIN ledger USING (delivery_date, user_id)
{texts}
CROSS JOIN LATERAL (SELECT send_at < $17 AND NOT is_today AS is_late) AS lateness

-- name: count_people
-- For each zone day, in the order given, how many people have it: in the index alone, mostly.
SELECT (
    SELECT count(*) FROM users
    WHERE {month_day} = d.month_day AND timezone = d.timezone AND deleted_at IS NULL)
FROM unnest($1::smallint[], $2::varchar[]) WITH ORDINALITY AS d (month_day, timezone, number)
ORDER BY d.number

-- name: list_locales
-- The locales that live people have, each found by one step of the index over them.
WITH RECURSIVE found AS (
    SELECT min(locale) AS locale FROM users WHERE locale IS NOT NULL AND deleted_at IS NULL
    UNION ALL
    SELECT (SELECT min(u.locale) FROM users u
            WHERE u.locale > found.locale AND u.locale IS NOT NULL AND u.deleted_at IS NULL)
    FROM found
    WHERE found.locale IS NOT NULL
)
SELECT locale FROM found WHERE locale IS NOT NULL

-- name: list_odd_years
-- The years before $1 in which a date lies, but for that which stands for none: $2. Heyday takes no
-- such dates; SQL does.
SELECT DISTINCT date_part('year', {date})::integer AS year
FROM users
WHERE {date} > '-infinity' AND {date} < make_date($2, 1, 1) AND deleted_at IS NULL
UNION
SELECT DISTINCT date_part('year', {date})::integer AS year
FROM users
WHERE {date} > make_date($2, 12, 31) AND {date} < $1 AND deleted_at IS NULL

-- name: list_needs
-- The locales of the people in $1, with the years of their dates.
SELECT DISTINCT locale, {occasion_years} FROM users WHERE id = ANY ($1)

-- name: retime_people
-- Bring unsent rows in line with what their people are now: what was planned stays owed, also where
-- its day is over by now, unless it is too late. A row that an edit has cancelled comes back if that
-- was taken back while it is owed. The row itself says who cancelled it: a decision that commits
-- while this waits for the row is seen. A row that may have been sent already keeps its text, for
-- it would be the same message.
-- moves: SCHEDULED QUEUED RETRYING CANCELLED > SCHEDULED
WITH wanted AS MATERIALIZED (
    SELECT user_id, delivery_date, timezone, send_at, occasion_date, {subject} AS subject,
           {text} AS content, {html} AS html, {language} AS language, spread,
           send_at >= $16 OR eligible_since <= send_at OR is_today AND $18 AS is_owed
    FROM (
        SELECT people.*, wording.number
        FROM (
            SELECT u.id AS user_id, {names}, u.locale, {years} AS years,
                   u.{date} AS occasion_date, u.eligible_since, d.delivery_date, d.timezone,
                   {send_at} AS send_at, d.is_today, {spread} AS spread
            FROM {candidates}
            WHERE u.deleted_at IS NULL AND u.unsubscribed_at IS NULL AND u.{left_at} IS NULL
              AND d.year - date_part('year', u.{date}) >= $9
              AND {send_at} >= $17
            OFFSET 0
        ) AS people
        {worded}
        {composed}
    ) AS due
    {texts}
)
UPDATE message_logs m
SET status = 'SCHEDULED', scheduled_send_time = w.send_at, timezone = w.timezone,
    occasion_date = w.occasion_date, tzdb_version = $19, spread = w.spread,
    message_subject = CASE WHEN m.ambiguous_count = 0 THEN w.subject ELSE m.message_subject END,
    message_content = CASE WHEN m.ambiguous_count = 0 THEN w.content ELSE m.message_content END,
    message_html = CASE WHEN m.ambiguous_count = 0 THEN w.html ELSE m.message_html END,
    language = CASE WHEN m.ambiguous_count = 0 THEN w.language ELSE m.language END,
    epoch = m.epoch + 1, queued_at = NULL, error_message = NULL
FROM wanted w
WHERE m.user_id = w.user_id AND m.message_type = $6 AND m.delivery_date = w.delivery_date
  AND m.scheduled_send_time BETWEEN $24 AND $25
  AND m.status {movable}
  AND (
      m.status <> 'CANCELLED' AND m.ambiguous_count = 0
      AND (m.scheduled_send_time, m.timezone, m.occasion_date, m.message_subject,
           m.message_content, m.message_html, m.language)
          IS DISTINCT FROM
          (w.send_at, w.timezone, w.occasion_date, w.subject, w.content, w.html, w.language)
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

-- name: find_horizon
-- The first transaction that may still be under way: what it and later ones write may not be seen.
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint

-- name: list_written_user_ids
-- People whose row was written by transaction $1 or a later one, $2 of them at most. The row itself
-- says who wrote it: no statement can forget to, as it can `updated_at`. All rows are gone through,
-- for an index there is not. Ages count from the present, so that numbers may begin anew.
SELECT id FROM users WHERE age(xmin) <= (SELECT age($1::bigint::text::xid8::xid)) LIMIT $2

-- name: list_changed_user_ids
-- People whose unsent rows no longer fit, or whose rows that an edit cancelled may fit again: edits
-- by SQL.
-- A row may fit by its own date or by that of 29 February, which has others on its day.
SELECT m.user_id
FROM message_logs m
JOIN users u ON u.id = m.user_id
WHERE m.message_type = $1 AND m.stage = 'PLANNED' {among}
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
WHERE m.message_type = $1 AND m.stage = 'CANCELLED' {among}
  AND m.scheduled_send_time >= $2 AND m.error_message IN ({by_edit})
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
  AND ({send_at} >= $8 OR u.eligible_since <= {send_at})
  AND NOT EXISTS (
      SELECT FROM idempotency_keys k
      WHERE k.delivery_date = d.delivery_date AND k.user_id = u.id AND k.message_type = $6)

-- name: list_pending_days
-- Zone, delivery date, send time and spread of unsent rows that may be re-timed, each once. The
-- halves are the conditions of two partial indexes: a look at what is due before $3 reads little
-- more.
SELECT timezone, delivery_date, {planned_at} AS planned_at, spread
FROM message_logs m
WHERE message_type = $1 AND stage = 'PLANNED' AND ambiguous_count = 0
  AND tzdb_version <= $2 AND scheduled_send_time < coalesce($3::timestamptz, 'infinity')
UNION
SELECT timezone, delivery_date, {planned_at}, spread
FROM message_logs m
WHERE message_type = $1 AND stage = 'LEAVING' AND status = 'QUEUED' AND ambiguous_count = 0
  AND tzdb_version <= $2 AND scheduled_send_time < coalesce($3::timestamptz, 'infinity')

-- name: retime
-- Move unsent rows from instants at which it is not 09:00 there any more, by a new tz database,
-- send time or spread. What a newer release has planned stays: processes of two releases may run
-- side by side.
-- moves: SCHEDULED QUEUED RETRYING > SCHEDULED
UPDATE message_logs m
SET status = 'SCHEDULED', scheduled_send_time = {moved_at}, spread = d.spread, tzdb_version = $6,
    epoch = m.epoch + 1, queued_at = NULL
FROM unnest($2::varchar[], $3::date[], $4::timestamptz[], $5::timestamptz[], $7::smallint[],
            $8::smallint[])
    AS d (timezone, delivery_date, planned_at, send_at, planned_spread, spread)
WHERE m.message_type = $1 AND m.timezone = d.timezone AND m.delivery_date = d.delivery_date
  AND m.spread IS NOT DISTINCT FROM d.planned_spread AND {lies_there}
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
