-- How many greetings each provider got on a day: one row, which all workers lock for an instant to
-- draw a part of the day's cap.

-- name: lock
-- Lock a provider's day.
SELECT drawn
FROM provider_days
WHERE provider = $1 AND day = $2
FOR UPDATE

-- name: begin
-- Make a provider's day, unless another worker was quicker.
INSERT INTO provider_days (provider, day, drawn)
VALUES ($1, $2, 0)
ON CONFLICT (provider, day) DO NOTHING

-- name: forget
-- Let go of days that nobody looks at any more.
DELETE FROM provider_days
WHERE provider = $1 AND day < $2

-- name: write
-- Write a provider's day, which is locked.
UPDATE provider_days
SET drawn = $3
WHERE provider = $1 AND day = $2

-- name: give_back
-- Take back what a worker has drawn and not used.
UPDATE provider_days
SET drawn = greatest(drawn - $3, 0)
WHERE provider = $1 AND day = $2

-- name: find
-- How much of a day is drawn.
SELECT drawn
FROM provider_days
WHERE provider = $1 AND day = $2
