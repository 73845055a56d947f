-- Which locales people have.

-- name: count_some
-- Of the first $1 live people, how many have which locale: of all, where there are fewer.
SELECT locale, count(*) AS people
FROM (SELECT locale FROM users WHERE deleted_at IS NULL LIMIT $1) AS counted
GROUP BY locale

-- name: estimate
-- What the sample that PostgreSQL took last says of all people, the deleted included: how many there
-- are, which part has no locale, the most frequent locales and their parts, and when it was taken.
SELECT c.reltuples::bigint AS people, s.null_frac AS without, s.most_common_vals::text::text[] AS locales,
       s.most_common_freqs AS parts, greatest(t.last_analyze, t.last_autoanalyze) AS sampled_at
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = 'locale'
JOIN pg_stat_user_tables t ON t.relid = c.oid
WHERE c.oid = 'users'::regclass
