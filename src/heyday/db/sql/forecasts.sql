-- Forecasts: people are counted in the indexes alone; the table itself is not read. Pages that no
-- VACUUM has seen since they were written are the exception, and the few people who want none of
-- one message type: those are counted by an index of their own, and taken off.
--
-- Places: {date} and {month_day}, the columns of users that the message type is about, and
-- {left_at}, since when a person wants none of it. A row for each zone, with arrays, takes a fifth
-- of the time that a row for each day of it would.

-- name: count_by_day
-- Everybody who is to be greeted, for each zone by the day of their date.
SELECT timezone, array_agg(month_day) AS month_days, array_agg(people) AS people
FROM (
    SELECT month_day, timezone, sum(people)::integer AS people
    FROM (
        SELECT {month_day} AS month_day, timezone, count(*) AS people
        FROM users
        WHERE deleted_at IS NULL AND unsubscribed_at IS NULL AND {month_day} IS NOT NULL
        GROUP BY {month_day}, timezone
        UNION ALL
        SELECT {month_day}, timezone, -count(*)
        FROM users
        WHERE deleted_at IS NULL AND unsubscribed_at IS NULL AND {month_day} IS NOT NULL
          AND {left_at} IS NOT NULL
        GROUP BY {month_day}, timezone
    ) AS counted
    GROUP BY month_day, timezone
    HAVING sum(people) > 0
) AS days
GROUP BY timezone

-- name: count_recent
-- Of those, people whose date is not before $1, for each zone by date.
SELECT timezone, array_agg(occasion_date) AS dates, array_agg(people) AS people
FROM (
    SELECT occasion_date, timezone, sum(people)::integer AS people
    FROM (
        SELECT {date} AS occasion_date, timezone, count(*) AS people
        FROM users
        WHERE deleted_at IS NULL AND unsubscribed_at IS NULL AND {date} >= $1
        GROUP BY {date}, timezone
        UNION ALL
        SELECT {date}, timezone, -count(*)
        FROM users
        WHERE deleted_at IS NULL AND unsubscribed_at IS NULL AND {date} >= $1
          AND {left_at} IS NOT NULL
        GROUP BY {date}, timezone
    ) AS counted
    GROUP BY occasion_date, timezone
    HAVING sum(people) > 0
) AS days
GROUP BY timezone
