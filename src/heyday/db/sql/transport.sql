-- PostgreSQL as the queue: batches of ids, taken with SKIP LOCKED, given back when they time out.

-- name: publish
-- Hand one batch over; workers see it from visible_at on.
INSERT INTO queue_batches (id, due_at, first_at, last_at, message_ids, visible_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (id) DO NOTHING

-- name: announce
-- Wake the workers.
SELECT pg_notify('heyday_batches', '')

-- name: take
-- Take the most urgent visible batch; it shows again after $2 unless it is acknowledged.
UPDATE queue_batches
SET visible_at = greatest($1, due_at) + $2::interval, delivery_count = delivery_count + 1
WHERE id = (
    SELECT id FROM queue_batches
    WHERE visible_at <= $1
    ORDER BY due_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING id, due_at, first_at, last_at, message_ids

-- name: ack
-- Take a batch off the queue for good.
DELETE FROM queue_batches WHERE id = $1

-- name: release
-- Give a batch back at once.
UPDATE queue_batches SET visible_at = $2 WHERE id = $1

-- name: count_waiting
-- Batches that could be taken at $1.
SELECT count(*) FROM queue_batches WHERE visible_at <= $1
