-- The audit log: who did what, and who looked at whom.

-- name: add_looks
-- Write down what many requests are about to show, in one statement.
INSERT INTO audit_log (
    actor_kind, actor_id, actor_name, sql_role, action, subject_ids, address, request_id)
SELECT kind, actor_id, actor_name, session_user, action, subjects::uuid[], address, request_id
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::inet[], $7::text[])
    AS l (kind, actor_id, actor_name, action, subjects, address, request_id)

-- name: list_page
-- Lines before a number, the latest first. The two ways to a person each have an index: lines of
-- few people are found by any of them, and those of many are few.
SELECT id, at, actor_kind, actor_id, actor_name, sql_role, action, subject_ids, fields,
       host(address) AS address, request_id
FROM audit_log
WHERE ($1::bigint IS NULL OR id < $1)
  AND ($2::uuid IS NULL
       OR cardinality(subject_ids) <= 200 AND subject_ids @> ARRAY[$2]
       OR cardinality(subject_ids) > 200 AND subject_ids @> ARRAY[$2])
  AND ($3::text IS NULL OR actor_name = $3)
  AND ($4::text IS NULL
       OR actor_id IN (SELECT k.id FROM api_keys k WHERE starts_with(k.prefix, $4)))
  AND ($5::text IS NULL OR action = $5)
  AND ($6::timestamptz IS NULL OR at >= $6)
  AND ($7::timestamptz IS NULL OR at < $7)
ORDER BY id DESC
LIMIT $8
