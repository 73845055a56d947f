-- What a simulation asks of its own, throw-away database.

-- name: list_due_instants
-- When something falls due that is not queued yet, in order.
SELECT DISTINCT greatest(scheduled_send_time, next_attempt_at) AS due_at
FROM message_logs
WHERE stage = 'PLANNED'
ORDER BY due_at

-- name: list_people
-- Everybody, with what decides about their greetings.
SELECT id, timezone, birthday_date, anniversary_date FROM users

-- name: list_outcomes
-- What became of everything that was due before $1 and was not simply sent.
SELECT idempotency_key, status
FROM message_logs
WHERE scheduled_send_time < $1 AND status <> 'SENT'

-- name: keep_zones
-- Keep the people of these zones alone.
DELETE FROM users WHERE timezone <> ALL ($1)

-- name: analyze
-- Let PostgreSQL know what came.
ANALYZE users

-- name: leave_one_way
-- Leave one index to what is due: unanalysed, PostgreSQL would take the one over all rows.
DROP INDEX idx_message_logs_scheduled_time

-- name: spare_the_disk
-- Neither log nor vacuum what is thrown away; each analysis would have every statement planned anew.
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT inhrelid FROM pg_inherits
                WHERE inhparent IN ('message_logs'::regclass, 'idempotency_keys'::regclass)
                  AND inhrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r')
    LOOP
        EXECUTE format('ALTER TABLE %s SET UNLOGGED', part);
        EXECUTE format('ALTER TABLE %s SET (autovacuum_enabled = off)', part);
    END LOOP;
END
$$
