-- Scheduler runs: the watermark for catching up, and what health shows.

-- name: start
-- Record that a run began.
INSERT INTO job_runs (name, started_at, window_start, window_end, is_manual, traceparent)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id

-- name: finish
-- Record how a run ended.
UPDATE job_runs SET finished_at = $2, counts = $3, error = $4 WHERE id = $1

-- name: find_watermark
-- How far the runs reach that finished without error and that nobody started by hand.
SELECT max(window_end) FROM job_runs
WHERE name = $1 AND finished_at IS NOT NULL AND error IS NULL AND NOT is_manual

-- name: find_traceparent
-- By what the run is followed whose window was the first to reach $2.
SELECT traceparent FROM job_runs
WHERE name = $1 AND window_end > $2 AND finished_at IS NOT NULL AND error IS NULL
ORDER BY started_at
LIMIT 1

-- name: list_latest
-- The latest run of each name that nobody started by hand.
SELECT DISTINCT ON (name)
       id, name, started_at, finished_at, window_start, window_end, counts, error, is_manual
FROM job_runs
WHERE NOT is_manual
ORDER BY name, started_at DESC

-- name: count_failures
-- How many runs of each name have failed since one last did not, up to $2; those by hand left out.
SELECT n.name, (
    SELECT count(*) FROM (
        SELECT FROM job_runs r
        WHERE r.name = n.name AND NOT r.is_manual AND r.error IS NOT NULL
          AND r.started_at > coalesce((
              SELECT s.started_at FROM job_runs s
              WHERE s.name = n.name AND NOT s.is_manual AND s.finished_at IS NOT NULL
                AND s.error IS NULL
              ORDER BY s.started_at DESC LIMIT 1), '-infinity')
        LIMIT $2) AS failed) AS failures
FROM unnest($1::varchar[]) AS n (name)

-- name: list_page
-- Runs of a name, or of all, that failed, or did not, or both; the latest first, before number $1.
SELECT id, name, started_at, finished_at, window_start, window_end, counts, error, is_manual
FROM job_runs
WHERE id < coalesce($1::bigint, 9223372036854775807)
  AND ($2::varchar IS NULL OR name = $2)
  AND ($3::boolean IS NULL OR (error IS NOT NULL) = $3)
ORDER BY id DESC
LIMIT $4

-- name: forget
-- Drop runs that began before an instant, but never the one that holds the watermark.
DELETE FROM job_runs
WHERE started_at < $1 AND (window_end IS NULL OR error IS NOT NULL OR is_manual)
