-- One page of blueprints, newest first; asked for one row more than shown, so that "more" needs no count over all.
-- Version: 11+. Grants: SELECT on blueprints. Cost: an index scan of page x per_page rows; a search reads all its matches.
-- Each filter is optional. Unprepared (or with force_custom_plan) the planner sees the values, drops the absent ones and picks the index.
SELECT id, user_id, name, provider, status, created_at
FROM blueprints
WHERE (%(provider)s::text IS NULL OR provider = %(provider)s)
  AND (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(user_id)s::bigint IS NULL OR user_id = %(user_id)s)
  AND (%(q)s::text IS NULL OR to_tsvector('english', name) @@ websearch_to_tsquery('english', %(q)s))
ORDER BY created_at DESC, id DESC
LIMIT %(limit)s OFFSET %(offset)s
