-- Forecasts: people are counted in the indexes alone; the table itself is not read. Pages that no
-- VACUUM has seen since they were written are the exception.
--
-- Places: {date} and {month_day}, the columns of users that the message type is about. A row for
-- each zone, with arrays, takes a fifth of the time that a row for each day of it would.

-- name: count_by_day
-- Everybody who is to be greeted, for each zone by the day of their date.
SELECT timezone, array_agg(month_day) AS month_days, array_agg(people) AS people
FROM (
    SELECT {month_day} AS month_day, timezone, count(*)::integer AS people
    FROM users
    WHERE deleted_at IS NULL AND unsubscribed_at IS NULL AND {month_day} IS NOT NULL
    GROUP BY {month_day}, timezone
) AS days
GROUP BY timezone

-- name: count_recent
-- Of those, people whose date is not before $1, for each zone by date.
SELECT timezone, array_agg(occasion_date) AS dates, array_agg(people) AS people
FROM (
    SELECT {date} AS occasion_date, timezone, count(*)::integer AS people
    FROM users
    WHERE deleted_at IS NULL AND unsubscribed_at IS NULL AND {date} >= $1
    GROUP BY {date}, timezone
) AS days
GROUP BY timezone
