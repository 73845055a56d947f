-- PostgreSQL as the queue: batches of ids, taken with SKIP LOCKED, given back when they time out.

-- name: publish
-- Hand one batch over; workers see it from visible_at on.
INSERT INTO queue_batches (id, due_at, first_at, last_at, message_ids, visible_at, traceparent)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (id) DO NOTHING

-- name: announce
-- Wake the workers.
SELECT pg_notify('heyday_batches', '')

-- name: take
-- Take the most urgent visible batch; it shows again at $2 unless it is acknowledged. What was
-- delivered $3 times is set aside.
UPDATE queue_batches
SET visible_at = $2, delivery_count = delivery_count + 1
WHERE id = (
    SELECT id FROM queue_batches
    WHERE visible_at <= $1 AND delivery_count < $3
    ORDER BY due_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING id, due_at, first_at, last_at, message_ids, traceparent

-- name: give_back
-- Show again at $1 what was to show at one of $2: takes of which nobody knows what they brought.
UPDATE queue_batches SET visible_at = $1 WHERE visible_at = ANY ($2)

-- name: ack
-- Take a batch off the queue for good.
DELETE FROM queue_batches WHERE id = $1

-- name: release
-- Give a batch back at once.
UPDATE queue_batches SET visible_at = $2 WHERE id = $1

-- name: count_waiting
-- Batches that could be taken at $1.
SELECT count(*) FROM queue_batches WHERE visible_at <= $1 AND delivery_count < $2

-- name: measure
-- Batches that could be taken at $1, and those that were set aside after $2 deliveries.
SELECT count(*) FILTER (WHERE delivery_count < $2) AS waiting,
       count(*) FILTER (WHERE delivery_count >= $2) AS dead
FROM queue_batches
WHERE visible_at <= $1

-- name: list_dead
-- Batches that were set aside by $1 after $2 deliveries, the oldest first.
SELECT id, due_at, first_at, last_at, message_ids, traceparent, delivery_count, visible_at
FROM queue_batches
WHERE visible_at <= $1 AND delivery_count >= $2
ORDER BY visible_at, id
LIMIT $3

-- name: replay
-- Deliver again what was set aside: those of $3, or all.
UPDATE queue_batches
SET visible_at = $1, delivery_count = 0
WHERE visible_at <= $1 AND delivery_count >= $2 AND ($3::uuid[] IS NULL OR id = ANY ($3))
RETURNING id

-- name: purge
-- Forget what was set aside: those of $3, or all.
DELETE FROM queue_batches
WHERE visible_at <= $1 AND delivery_count >= $2 AND ($3::uuid[] IS NULL OR id = ANY ($3))
RETURNING id
