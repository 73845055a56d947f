-- Addresses that want no greetings, whoever brings them again; each only as an HMAC.

-- name: add
-- Put an address on the list, for one message type or (null) for all. What is there stays.
INSERT INTO suppressions (address_hmac, message_type, reason, created_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT (address_hmac, message_type) DO NOTHING

-- name: add_many
-- Put addresses on the list, each for one message type or ('') for all. What is there stays, but
-- that a stronger reason, one that comes later in $5, takes the place of a weaker one: whatever
-- came first.
INSERT INTO suppressions AS s (address_hmac, message_type, reason, created_at)
SELECT DISTINCT ON (address_hmac, message_type)
       address_hmac, nullif(message_type, ''), reason, $4
FROM unnest($1::bytea[], $2::varchar[], $3::varchar[]) AS given (address_hmac, message_type, reason)
ORDER BY address_hmac, message_type, array_position($5::varchar[], reason) DESC
ON CONFLICT (address_hmac, message_type) DO UPDATE SET reason = excluded.reason
WHERE array_position($5, excluded.reason) > array_position($5, s.reason)

-- name: remove
-- Take an address off the list, by each of the HMACs that it may have there.
DELETE FROM suppressions WHERE address_hmac = ANY ($1)

-- name: remove_type
-- Take it off for one message type; who was on it for all is on it for the others, $3.
WITH removed AS (
    DELETE FROM suppressions
    WHERE address_hmac = ANY ($1) AND (message_type IS NULL OR message_type = $2)
    RETURNING address_hmac, message_type, reason, created_at
)
INSERT INTO suppressions (address_hmac, message_type, reason, created_at)
SELECT address_hmac, other, reason, created_at
FROM removed CROSS JOIN unnest($3::varchar[]) AS other
WHERE message_type IS NULL
ON CONFLICT (address_hmac, message_type) DO NOTHING
