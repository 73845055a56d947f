-- Sessions of browsers, by the SHA-256 of their tokens.

-- name: insert
-- Store a new session.
INSERT INTO web_sessions (digest, key_id, created_at, idle_until, ends_at)
VALUES ($1, $2, $3, $4, $5)

-- name: find
-- The session with a token, and the prefix of its key. One that has ended is none.
SELECT s.key_id, k.prefix, s.created_at, s.idle_until, s.ends_at
FROM web_sessions s JOIN api_keys k ON k.id = s.key_id
WHERE s.digest = $1 AND s.idle_until > $2 AND s.ends_at > $2

-- name: extend
-- Have a session last longer, never shorter.
UPDATE web_sessions SET idle_until = $2 WHERE digest = $1 AND idle_until < $2

-- name: end
-- End a session.
DELETE FROM web_sessions WHERE digest = $1

-- name: forget
-- Drop up to $2 sessions that ended before $1. One that somebody else is dropping is left to them.
DELETE FROM web_sessions
WHERE digest IN (
    SELECT digest FROM web_sessions WHERE idle_until < $1
    ORDER BY idle_until LIMIT $2 FOR UPDATE SKIP LOCKED)
