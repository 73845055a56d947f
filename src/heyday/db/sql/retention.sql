-- Letting go of what is old.

-- name: find_settled_before
-- The instant before which every greeting has come to its end, at the most $1.
SELECT least($1, min(scheduled_send_time))
FROM (
    SELECT scheduled_send_time FROM message_logs
    WHERE stage = 'PLANNED' AND scheduled_send_time < $1
    UNION ALL
    SELECT scheduled_send_time FROM message_logs
    WHERE stage = 'LEAVING' AND scheduled_send_time < $1
    UNION ALL
    SELECT scheduled_send_time FROM message_logs
    WHERE stage = 'UNKNOWN' AND scheduled_send_time < $1
) AS open

-- name: scrub_greetings
-- Empty texts and answers of the next $5 greetings after ($1, $2) that came to their end and were
-- due before $3. Why one was not sent stays, but for what a person wrote. Returns how many there
-- were, and the last of them.
WITH old AS MATERIALIZED (
    SELECT id, scheduled_send_time
    FROM message_logs
    WHERE (scheduled_send_time, id) > ($1, $2::uuid)
      AND scheduled_send_time >= $1 AND scheduled_send_time < $3
      AND status = ANY ($4::varchar[])
      AND (message_content <> '' OR message_subject <> '' OR message_html IS NOT NULL
           OR api_response_body IS NOT NULL)
    ORDER BY scheduled_send_time, id
    LIMIT $5
), decided AS (
    UPDATE message_attempts a
    SET error_message = NULL
    FROM old
    WHERE a.message_id = old.id AND a.outcome = 'resolved'
    RETURNING a.message_id
), emptied AS (
    UPDATE message_logs m
    SET message_subject = '', message_content = '', message_html = NULL, api_response_body = NULL,
        error_message = CASE
            WHEN m.error_message IS NULL OR m.id NOT IN (SELECT message_id FROM decided)
            THEN m.error_message ELSE 'decided by a person' END
    FROM old
    WHERE m.id = old.id AND m.scheduled_send_time = old.scheduled_send_time
      AND m.scheduled_send_time >= $1 AND m.scheduled_send_time < $3
      AND m.status = ANY ($4)
)
SELECT count(*) AS greetings,
       (array_agg(scheduled_send_time ORDER BY scheduled_send_time DESC, id DESC))[1] AS last_at,
       (array_agg(id ORDER BY scheduled_send_time DESC, id DESC))[1] AS last_id
FROM old

-- name: scrub_letters
-- Empty the next $3 letters after number $1 that came before $2. Returns how many there were, and
-- the number of the last.
WITH old AS (
    SELECT id FROM inbox_messages
    WHERE id > $1 AND received_at < $2 AND message <> ''
    ORDER BY id
    LIMIT $3
), emptied AS (
    UPDATE inbox_messages i
    SET message = '', subject = '', html = NULL, email = 'erased@erased.invalid'
    FROM old
    WHERE i.id = old.id
)
SELECT count(*) AS letters, max(id) AS last_id FROM old
