-- People. Deleted ones stay as rows and are found by none of these but `undelete`, `leave` and
-- `list_left`.
--
-- Places: {columns}, those of a person as shown; {fits} and {begins}, conditions that stand below;
-- {left}, all columns that say since when somebody wants no greetings, of one message type or of
-- any, and {left_by_list}, what the list of suppressed addresses says for each; {month_days}, when
-- people are greeted, of each type; {left_at}, the one that is meant; {others}, what those of the
-- other message types become.

-- name: insert
-- Store a new person, as one who wants no greetings if their address, $11, is on the list of those.
INSERT INTO users (
    first_name, last_name, email, timezone, birthday_date, anniversary_date,
    location_city, location_country, locale, created_at, updated_at, eligible_since, {left})
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $10, {left_by_list}
FROM suppressions WHERE address_hmac = ANY ($11::bytea[])
RETURNING {columns}

-- name: find
-- One person.
SELECT {columns} FROM users WHERE id = $1 AND deleted_at IS NULL

-- name: find_for_update
-- One person, locked until the transaction ends.
SELECT {columns} FROM users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE

-- name: fits
-- Those after the one given who fit. A value that is NULL asks for nothing: PostgreSQL, which plans
-- this for its values, drops the condition and takes the fitting index.
($1::uuid IS NULL OR id > $1)
  AND ($3::text IS NULL OR timezone = $3)
  AND ($4::smallint IS NULL OR birthday_month_day = $4)
  AND ($5::smallint IS NULL OR anniversary_month_day = $5)
  AND ($6::date IS NULL OR birthday_date >= $6)
  AND ($7::date IS NULL OR birthday_date <= $7)
  AND ($8::date IS NULL OR anniversary_date >= $8)
  AND ($9::date IS NULL OR anniversary_date <= $9)
  AND ($10::timestamptz IS NULL OR created_at >= $10)
  AND ($11::timestamptz IS NULL OR created_at < $11)
  AND ($12::timestamptz IS NULL OR updated_at >= $12)
  AND ($13::timestamptz IS NULL OR updated_at < $13)
  AND (deleted_at IS NOT NULL) = $14 AND erased_at IS NULL
  AND ($15::boolean IS NULL OR (unsubscribed_at IS NOT NULL) = $15)
  AND ($16::varchar IS NULL OR locale = $16)

-- name: list_page
-- People in order of id who fit.
SELECT {columns} FROM users
WHERE {fits}
ORDER BY id
LIMIT $2

-- name: list_page_of_zones
-- People in order of id who fit and are in one of the zones in $17. Each zone brings its first by
-- its index, which holds them in this order: no more is read than a page of each.
SELECT {columns} FROM users WHERE id = ANY (ARRAY(
    SELECT near.id
    FROM unnest($17::text[]) AS among (zone)
    CROSS JOIN LATERAL (
        SELECT id FROM users WHERE timezone = among.zone AND {fits} ORDER BY id LIMIT $2
    ) AS near
    ORDER BY near.id
    LIMIT $2))
ORDER BY id

-- name: begins
-- Live people after the one given whose name or address begins with one of up to four texts. What
-- begins like a first name begins like "first last".
deleted_at IS NULL AND ($1::uuid IS NULL OR id > $1)
  AND (lower(first_name || ' ' || last_name) LIKE lower($3)
    OR lower(last_name) LIKE lower($3)
    OR lower(email) LIKE lower($3)
    OR $4::text IS NOT NULL AND (lower(first_name || ' ' || last_name) LIKE lower($4)
        OR lower(last_name) LIKE lower($4) OR lower(email) LIKE lower($4))
    OR $5::text IS NOT NULL AND (lower(first_name || ' ' || last_name) LIKE lower($5)
        OR lower(last_name) LIKE lower($5) OR lower(email) LIKE lower($5))
    OR $6::text IS NOT NULL AND (lower(first_name || ' ' || last_name) LIKE lower($6)
        OR lower(last_name) LIKE lower($6) OR lower(email) LIKE lower($6)))

-- name: search
-- Those of them who come first by id. How many there are is found out, not estimated: PostgreSQL's
-- guess at a prefix may be wrong by a factor of a hundred. Where one in 200 of the first is met,
-- enough are met soon when everybody is looked at in order of id. If not, they are gathered by the
-- indexes of prefixes, and sorted; unless these hold very many after all.
WITH first AS MATERIALIZED (
    SELECT {begins} AS is_met
    FROM users WHERE deleted_at IS NULL AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT 5000),
begun AS MATERIALIZED (
    SELECT id FROM users
    WHERE (SELECT count(*) FROM first WHERE is_met) < 25 AND {begins} LIMIT 10001),
few AS (
    SELECT id FROM begun WHERE (SELECT count(*) FROM begun) <= 10000 ORDER BY id LIMIT $2)
SELECT {columns} FROM users WHERE id = ANY (ARRAY(SELECT id FROM few))
UNION ALL (
SELECT {columns} FROM users
WHERE ((SELECT count(*) FROM first WHERE is_met) >= 25 OR (SELECT count(*) FROM begun) > 10000)
  AND {begins}
ORDER BY id LIMIT $2)
ORDER BY id

-- name: find_ids
-- The live person with each address, or NULL, in the order given.
SELECT u.id
FROM unnest($1::text[]) WITH ORDINALITY AS given (email, number)
LEFT JOIN users u ON lower(u.email) = lower(given.email) AND u.deleted_at IS NULL
ORDER BY given.number

-- name: replace
-- Overwrite a person; a date on another day of the year makes them eligible from now on. Whose new
-- address, $12, is on the list of those who want no greetings, wants none.
UPDATE users
SET first_name = $2, last_name = $3, email = $4::varchar, timezone = $5, birthday_date = $6,
    anniversary_date = $7, location_city = $8, location_country = $9, locale = $10,
    updated_at = $11,
    eligible_since = CASE
        WHEN (birthday_month_day, anniversary_month_day) IS DISTINCT FROM
             (date_part('month', $6::date) * 100 + date_part('day', $6::date),
              date_part('month', $7::date) * 100 + date_part('day', $7::date))
        THEN $11 ELSE eligible_since END,
    ({left}) = (
        SELECT {left_or_listed}
        FROM suppressions
        WHERE address_hmac = ANY ($12::bytea[]) AND lower(users.email) <> lower($4::varchar))
WHERE id = $1 AND deleted_at IS NULL
RETURNING {columns}

-- name: delete
-- Mark a person deleted.
UPDATE users SET deleted_at = $2, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL
RETURNING {columns}

-- name: undelete
-- Take a deletion back; the person is eligible from now on. Who was erased does not come back.
UPDATE users SET deleted_at = NULL, updated_at = $2, eligible_since = $2
WHERE id = $1 AND deleted_at IS NOT NULL AND erased_at IS NULL
RETURNING {columns}

-- name: unsubscribe
-- Note that a person wants no more greetings, or none of one message type.
UPDATE users SET {left_at} = $2, updated_at = $2
WHERE id = $1 AND deleted_at IS NULL AND {left_at} IS NULL
RETURNING {columns}

-- name: resubscribe
-- Note that a person wants greetings again, from now on, or those of one message type: who had
-- left all of them then has left the others.
UPDATE users SET {left_at} = NULL, {others}, updated_at = $2, eligible_since = $2
WHERE id = $1 AND deleted_at IS NULL AND num_nonnulls({returning}) > 0
RETURNING {columns}

-- name: follow_list
-- Let a person want what the list says of their address, $2, if it is on it.
UPDATE users
SET ({left}) = (
    SELECT {left_or_listed} FROM suppressions WHERE address_hmac = ANY ($2::bytea[]))
WHERE id = $1 AND EXISTS (SELECT FROM suppressions WHERE address_hmac = ANY ($2::bytea[]))
RETURNING {columns}

-- name: list_left
-- The person of a link, deleted or not, and whoever lives with the same address now; locked, in
-- order of id as claims do. Who was erased has no address any more.
SELECT id, email FROM users
WHERE erased_at IS NULL AND id IN (
    SELECT $1::uuid
    UNION
    SELECT l.id
    FROM users p JOIN users l ON lower(l.email) = lower(p.email) AND l.deleted_at IS NULL
    WHERE p.id = $1 AND p.erased_at IS NULL)
ORDER BY id
FOR NO KEY UPDATE

-- name: leave
-- Note that these people, deleted or not, want no more greetings, or none of one message type.
UPDATE users SET {left_at} = $2, updated_at = $2
WHERE id = ANY ($1) AND {left_at} IS NULL

-- name: upsert_many
-- Store people by address; return the ids of the new, those and the zones of whom $14, the month-days
-- that are near, has a day, new or changed, and the ids of the changed of whom it has none. A column
-- comes as one text, with chr(31) between its values.
-- $11 names the columns given: of the others, stored values stay. Who is there unchanged is not even
-- locked, as that would write too. The order keeps imports that run at once from deadlocks. $12 holds
-- what stands for the addresses on the list of those who want no greetings, $13 for each, one after
-- the other: who is new and on the list is stored as wanting none; who is there already has said
-- since what they want. Ids of one statement begin alike, by chance: the index of ids then takes them
-- on a few of its pages, and they tell nothing of when a person came.
WITH stored AS (
INSERT INTO users AS u (
    id, first_name, last_name, email, timezone, birthday_date, anniversary_date,
    location_city, location_country, locale, created_at, updated_at, eligible_since, {left})
SELECT overlay(gen_random_uuid()::text PLACING (SELECT left(gen_random_uuid()::text, 8)) FROM 1)::uuid,
       p.first_name, p.last_name, p.email, p.timezone, p.birthday_date, p.anniversary_date,
       p.location_city, p.location_country, p.locale, $10, $10, $10, {left}
FROM unnest(
    string_to_array($1, chr(31))::varchar[], string_to_array($2, chr(31))::varchar[],
    string_to_array($3, chr(31))::varchar[], string_to_array($4, chr(31))::varchar[],
    string_to_array($5, chr(31), '')::date[], string_to_array($6, chr(31), '')::date[],
    string_to_array($7, chr(31), '')::varchar[], string_to_array($8, chr(31), '')::varchar[],
    string_to_array($9, chr(31), '')::varchar[])
    WITH ORDINALITY
    AS p (first_name, last_name, email, timezone, birthday_date, anniversary_date,
          location_city, location_country, locale, place)
LEFT JOIN (
    SELECT place, {left_by_list}
    FROM generate_series(1, length($12::bytea) / 32) AS digest (number)
    CROSS JOIN LATERAL (
        SELECT substr($12, number * 32 - 31, 32) AS address_hmac,
               (number - 1) / $13::integer + 1 AS place
    ) AS given
    JOIN suppressions USING (address_hmac)
    GROUP BY place
) AS listed USING (place)
WHERE coalesce((
    SELECT (s.first_name, s.last_name, s.email, s.timezone)
           <> (p.first_name, p.last_name, p.email, p.timezone)
        OR 'birthday_date' = ANY ($11::text[]) AND s.birthday_date IS DISTINCT FROM p.birthday_date
        OR 'anniversary_date' = ANY ($11)
           AND s.anniversary_date IS DISTINCT FROM p.anniversary_date
        OR 'location_city' = ANY ($11) AND s.location_city IS DISTINCT FROM p.location_city
        OR 'location_country' = ANY ($11)
           AND s.location_country IS DISTINCT FROM p.location_country
        OR 'locale' = ANY ($11) AND s.locale IS DISTINCT FROM p.locale
    FROM users s
    WHERE lower(s.email) = lower(p.email) AND s.deleted_at IS NULL), true)
ORDER BY lower(p.email)
ON CONFLICT (lower(email)) WHERE deleted_at IS NULL DO UPDATE
SET first_name = excluded.first_name, last_name = excluded.last_name, email = excluded.email,
    timezone = excluded.timezone, updated_at = excluded.updated_at,
    birthday_date = CASE WHEN 'birthday_date' = ANY ($11)
        THEN excluded.birthday_date ELSE u.birthday_date END,
    anniversary_date = CASE WHEN 'anniversary_date' = ANY ($11)
        THEN excluded.anniversary_date ELSE u.anniversary_date END,
    location_city = CASE WHEN 'location_city' = ANY ($11)
        THEN excluded.location_city ELSE u.location_city END,
    location_country = CASE WHEN 'location_country' = ANY ($11)
        THEN excluded.location_country ELSE u.location_country END,
    locale = CASE WHEN 'locale' = ANY ($11) THEN excluded.locale ELSE u.locale END,
    eligible_since = CASE
        WHEN 'birthday_date' = ANY ($11)
             AND u.birthday_month_day IS DISTINCT FROM excluded.birthday_month_day
          OR 'anniversary_date' = ANY ($11)
             AND u.anniversary_month_day IS DISTINCT FROM excluded.anniversary_month_day
        THEN excluded.updated_at ELSE u.eligible_since END
RETURNING id, timezone, xmax = 0 AS is_new,
          ARRAY[{month_days}] && $14::smallint[] AS is_near
)
SELECT array_agg(id) FILTER (WHERE is_new) AS new,
       array_agg(id) FILTER (WHERE is_new AND is_near) AS new_near,
       array_agg(DISTINCT timezone) FILTER (WHERE is_new AND is_near) AS new_zones,
       array_agg(id) FILTER (WHERE NOT is_new AND is_near) AS changed_near,
       array_agg(DISTINCT timezone) FILTER (WHERE NOT is_new AND is_near) AS changed_zones,
       array_agg(id) FILTER (WHERE NOT is_new AND NOT is_near) AS changed_others
FROM stored

-- name: count
-- How many people there are.
SELECT count(*) FROM users WHERE deleted_at IS NULL
