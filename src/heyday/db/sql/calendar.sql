-- What belongs on a local date: greetings as they stand in rows, or people by their dates.
--
-- Places: {date} and {month_day}, the columns of users that the message type is about, and
-- {left_at}, since when a person wants none of it; {conditions}, what narrows a list.

-- name: count_rows
-- The rows of a delivery date. Those that were planned together lie together: few pages are read.
SELECT timezone, scheduled_send_time, message_type, status, count(*)::integer AS count
FROM message_logs
WHERE scheduled_send_time >= $2 AND scheduled_send_time < $3 AND delivery_date = $1
GROUP BY timezone, scheduled_send_time, message_type, status

-- name: list_rows
-- Those after the place ($2, $4), before $3, in the order of an index and of the months. Their
-- people are looked up when it is known which rows the page takes.
SELECT m.*, u.first_name, u.last_name
FROM (
    SELECT id, user_id, message_type, timezone, scheduled_send_time, status, actual_send_time
    FROM message_logs
    WHERE scheduled_send_time >= $2 AND scheduled_send_time < $3
      AND (scheduled_send_time, id) > ($2, $4) AND delivery_date = $1
      {conditions}
    ORDER BY scheduled_send_time, id
    LIMIT $5
) AS m
JOIN users u ON u.id = m.user_id
ORDER BY m.scheduled_send_time, m.id

-- name: of_zones
-- Of a list: those in some zones.
AND timezone = ANY (${n}::varchar[])

-- name: of_type
-- Of a list: those of a message type.
AND message_type = ${n}

-- name: count_people
-- For each zone day, in the order given, how many have it, each found by a step of the index. Those
-- who want none of the message type are taken off.
SELECT (
    SELECT count(*) FROM users
    WHERE {month_day} = d.month_day AND timezone = d.timezone
      AND deleted_at IS NULL AND unsubscribed_at IS NULL
) - (
    SELECT count(*) FROM users
    WHERE {month_day} = d.month_day AND timezone = d.timezone AND {left_at} IS NOT NULL
      AND deleted_at IS NULL AND unsubscribed_at IS NULL
)
FROM unnest($1::smallint[], $2::varchar[]) WITH ORDINALITY AS d (month_day, timezone, number)
ORDER BY d.number

-- name: count_young
-- Of them, who has one of the dates in $1, which are of years too late to be greeted.
SELECT timezone, {month_day} AS month_day, count(*)::integer AS people
FROM users
WHERE {date} = ANY ($1::date[]) AND {left_at} IS NULL
  AND deleted_at IS NULL AND unsubscribed_at IS NULL
GROUP BY timezone, {month_day}

-- name: list_people
-- People of zone days, in the order given and of their ids, after person $4 of the first. Of each
-- day no more are kept than a page takes. OFFSET 0 keeps PostgreSQL to one index step for each day.
SELECT (d.number - 1)::integer AS number, u.id, u.first_name, u.last_name
FROM unnest($1::smallint[], $2::varchar[]) WITH ORDINALITY AS d (month_day, timezone, number)
CROSS JOIN LATERAL (
    SELECT id, first_name, last_name
    FROM (
        SELECT id, first_name, last_name FROM users
        WHERE {month_day} = d.month_day AND timezone = d.timezone
          AND deleted_at IS NULL AND unsubscribed_at IS NULL AND {left_at} IS NULL
          AND {date} < make_date($3 + 1, 1, 1)
          AND (d.number > 1 OR $4::uuid IS NULL OR id > $4)
        OFFSET 0
    ) AS everybody
    ORDER BY id
    LIMIT $5
) AS u
ORDER BY d.number, u.id
LIMIT $5
