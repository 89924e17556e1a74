-- Look for names in pg_catalog first, then where pg_stat_statements lives, and nowhere else.
-- Least version: 10. Grants: none. Cost: 0.05 ms.
SELECT set_config('search_path', 'pg_catalog, ' || %s::text, false)
