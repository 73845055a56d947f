-- Imports that go on while their caller does something else. One at a time, in the order in which
-- they came, so that of two files the later one has the last word.

-- name: create
-- A job whose file is about to come.
INSERT INTO import_jobs (columns, has_bom, created_at, lease_until, name)
VALUES ($1, $2, $3, now() + $4, $5)
RETURNING id

-- name: add_chunk
-- A part of a file, as long as its upload goes on.
WITH receiving AS (
    UPDATE import_jobs
    SET bytes_total = bytes_total + length($3::bytea), lease_until = now() + $4
    WHERE id = $1 AND state = 'receiving'
    RETURNING id)
INSERT INTO import_chunks (job_id, number, content) SELECT id, $2, $3 FROM receiving

-- name: submit
-- The file is complete.
UPDATE import_jobs SET state = 'waiting', lease_until = NULL
WHERE id = $1 AND state = 'receiving'
RETURNING {columns}

-- name: hold
-- The file is complete, and somebody is to say how it is to be read.
UPDATE import_jobs
SET state = 'uploaded', columns = $2, has_bom = $3, reading = $4, lease_until = now() + $5
WHERE id = $1 AND state = 'receiving'
RETURNING {columns}

-- name: read_otherwise
-- Somebody says how a file is to be read.
UPDATE import_jobs SET columns = $2, has_bom = $3, reading = $4
WHERE id = $1 AND state = 'uploaded'

-- name: start
-- Let a file be imported. It takes its place behind those that were started before it: one that
-- came earlier and took it would be run beside the one that is running.
UPDATE import_jobs
SET state = 'waiting', columns = $2, has_bom = $3, reading = $4, created_at = $5,
    lease_until = NULL
WHERE id = $1 AND state = 'uploaded'

-- name: read_beginning
-- How a file begins.
SELECT substr(content, 1, $2) FROM import_chunks WHERE job_id = $1 AND number = 0

-- name: announce
-- Wake those who run imports, once the transaction commits.
SELECT pg_notify('heyday_imports', '')

-- name: find
-- One job.
SELECT {columns} FROM import_jobs WHERE id = $1 AND state <> 'receiving'

-- name: list_page
-- Jobs, the newest first, after the one given.
SELECT {columns} FROM import_jobs
WHERE state <> 'receiving'
  AND ($1::uuid IS NULL
       OR (created_at, id) < (SELECT last.created_at, last.id FROM import_jobs last
                              WHERE last.id = $1))
ORDER BY created_at DESC, id DESC
LIMIT $2

-- name: claim_next
-- Take the oldest job that is not at its end, unless a living process has it. Two who find the
-- same row wait for each other, and the second then finds a lease on it.
UPDATE import_jobs
SET state = 'running', epoch = epoch + 1, lease_until = now() + $2,
    started_at = coalesce(started_at, $1)
WHERE id = (SELECT id FROM import_jobs WHERE state IN ('waiting', 'running')
            ORDER BY created_at, id LIMIT 1)
  AND (state = 'waiting' OR state = 'running' AND lease_until < now())
RETURNING {columns}

-- name: prolong
-- Let the lease of a claim begin anew.
UPDATE import_jobs SET lease_until = now() + $3
WHERE id = $1 AND epoch = $2 AND state = 'running'

-- name: read_chunk
-- A part of a file.
SELECT content FROM import_chunks WHERE job_id = $1 AND number = $2

-- name: advance
-- Note how far a claim has come.
UPDATE import_jobs
SET rows_done = $3, bytes_done = greatest(bytes_done, $4), imported = imported + $5,
    updated = updated + $6, unchanged = unchanged + $7, rejected = rejected + $8,
    suspicious = suspicious + $9
WHERE id = $1 AND epoch = $2 AND state = 'running'

-- name: add_rejects
-- Rows that were not taken.
INSERT INTO import_rejects (job_id, line, reason, email, cells)
SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::bytea[])

-- name: list_rejects
-- Rows that were not taken, by line, after the one given.
SELECT line, reason, email, cells FROM import_rejects
WHERE job_id = $1 AND line > $2
ORDER BY line
LIMIT $3

-- name: finish
-- End a job.
UPDATE import_jobs
SET state = $4::text, finished_at = $3, error = $5, lease_until = NULL,
    bytes_done = CASE WHEN $4::text = 'done' THEN bytes_total ELSE bytes_done END
WHERE id = $1 AND epoch = $2 AND state = 'running'

-- name: cancel
-- End a job that is not at its end.
UPDATE import_jobs SET state = 'cancelled', finished_at = $2, lease_until = NULL
WHERE id = $1 AND state IN ('waiting', 'running')

-- name: drop_chunks
-- A file that is not needed any more.
DELETE FROM import_chunks WHERE job_id = $1

-- name: drop_rejects
-- Rejected rows that nobody is to see any more.
DELETE FROM import_rejects WHERE job_id = $1

-- name: forget
-- Delete a job that is not going on, and with it all that it has.
DELETE FROM import_jobs WHERE id = $1 AND state NOT IN ('waiting', 'running')

-- name: drop_old_rejects
-- Rejected rows of jobs that ended before an instant.
DELETE FROM import_rejects r USING import_jobs j
WHERE j.id = r.job_id AND j.finished_at < $1

-- name: drop_uploads
-- Uploads that nobody goes on with: their process died, or nobody started their import.
DELETE FROM import_jobs WHERE state IN ('receiving', 'uploaded') AND lease_until < now()
