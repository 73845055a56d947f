-- The pace of each provider: one row, which all workers lock for an instant to take tokens.

-- name: lock
-- Lock a provider's row, and tell the time.
SELECT rate, tokens, refilled_at, slowed_at, blocked_until, clock_timestamp() AS now
FROM provider_pace
WHERE provider = $1
FOR UPDATE

-- name: begin
-- Make a provider's row, unless another worker was quicker, and tell the time.
INSERT INTO provider_pace (provider, tokens, refilled_at)
VALUES ($1, 0, clock_timestamp())
ON CONFLICT (provider) DO NOTHING
RETURNING refilled_at AS now

-- name: write
-- Write a provider's row, which is locked.
UPDATE provider_pace
SET rate = $2, tokens = $3, refilled_at = $4, slowed_at = $5, blocked_until = $6
WHERE provider = $1

-- name: announce
-- Tell all workers that a provider asked for a slower pace.
SELECT pg_notify('heyday_pace', '')
