-- Companies' own texts. The trigger touch_text gives each change a version of its own.

-- name: lock
-- Let texts be changed by one transaction at a time; reading goes on.
LOCK TABLE message_texts IN SHARE ROW EXCLUSIVE MODE

-- name: list_versions
-- Which texts there are, in which version: whoever holds the same has the same texts.
SELECT message_type, language, version FROM message_texts ORDER BY message_type, language

-- name: list_all
-- All of them.
SELECT message_type, language, subject, text, html, version, updated_at
FROM message_texts
ORDER BY message_type, language

-- name: find
-- One.
SELECT message_type, language, subject, text, html, version, updated_at
FROM message_texts
WHERE message_type = $1 AND language = $2

-- name: put
-- Store one, or overwrite it.
INSERT INTO message_texts AS t (message_type, language, subject, text, html, updated_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (message_type, language) DO UPDATE
SET subject = excluded.subject, text = excluded.text, html = excluded.html,
    updated_at = excluded.updated_at
RETURNING message_type, language, subject, text, html, version, updated_at

-- name: delete
-- Remove one.
DELETE FROM message_texts WHERE message_type = $1 AND language = $2
