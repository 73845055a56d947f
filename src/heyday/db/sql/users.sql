-- People. Deleted ones stay as rows and are found by none of these.

-- name: insert
-- Store a new person.
INSERT INTO users (
    first_name, last_name, email, timezone, birthday_date, anniversary_date,
    location_city, location_country, created_at, updated_at, eligible_since)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $9)
RETURNING {columns}

-- name: find
-- One person.
SELECT {columns} FROM users WHERE id = $1 AND deleted_at IS NULL

-- name: find_for_update
-- One person, locked until the transaction ends.
SELECT {columns} FROM users WHERE id = $1 AND deleted_at IS NULL FOR NO KEY UPDATE

-- name: list_page
-- People in order of id, after the one given.
SELECT {columns} FROM users
WHERE deleted_at IS NULL AND ($1::uuid IS NULL OR id > $1)
ORDER BY id
LIMIT $2

-- name: replace
-- Overwrite a person; a new date or zone makes them eligible from now on.
UPDATE users
SET first_name = $2, last_name = $3, email = $4, timezone = $5, birthday_date = $6,
    anniversary_date = $7, location_city = $8, location_country = $9, updated_at = $10,
    eligible_since = CASE
        WHEN (timezone, birthday_date, anniversary_date) IS DISTINCT FROM ($5, $6, $7)
        THEN $10 ELSE eligible_since END
WHERE id = $1 AND deleted_at IS NULL
RETURNING {columns}

-- name: delete
-- Mark a person deleted.
UPDATE users SET deleted_at = $2, updated_at = $2 WHERE id = $1 AND deleted_at IS NULL

-- name: upsert_many
-- Store people by address; rows come in the order of the arrays, is_new tells which are new.
INSERT INTO users AS u (
    first_name, last_name, email, timezone, birthday_date, anniversary_date,
    location_city, location_country, created_at, updated_at, eligible_since)
SELECT p.*, $9, $9, $9
FROM unnest($1::varchar[], $2::varchar[], $3::varchar[], $4::varchar[], $5::date[], $6::date[],
            $7::varchar[], $8::varchar[])
    AS p (first_name, last_name, email, timezone, birthday_date, anniversary_date, city, country)
ORDER BY lower(p.email)
ON CONFLICT (lower(email)) WHERE deleted_at IS NULL DO UPDATE
SET first_name = excluded.first_name, last_name = excluded.last_name, email = excluded.email,
    timezone = excluded.timezone, birthday_date = excluded.birthday_date,
    anniversary_date = excluded.anniversary_date, location_city = excluded.location_city,
    location_country = excluded.location_country, updated_at = excluded.updated_at,
    eligible_since = CASE
        WHEN (u.timezone, u.birthday_date, u.anniversary_date) IS DISTINCT FROM
             (excluded.timezone, excluded.birthday_date, excluded.anniversary_date)
        THEN excluded.updated_at ELSE u.eligible_since END
RETURNING id, xmax = 0 AS is_new

-- name: count
-- How many people there are.
SELECT count(*) FROM users WHERE deleted_at IS NULL
