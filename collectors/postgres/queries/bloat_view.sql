-- How many rows of which width do the tables of at least 1 MB hold, in how many pages?
-- Least version: 10. Grants: SELECT on trivet.column_widths, a view of yours that holds no values (see hints.py).
-- Cost: 1 ms at 10 tables, 0.2 s at 5,000.
-- A column without statistics makes its table's width unknown.
SELECT current_database() AS datname, n.nspname, c.relname, c.relpages, c.reltuples::float8 AS reltuples,
       current_setting('block_size')::int AS page,
       coalesce(substring(array_to_string(c.reloptions, ' ') FROM 'fillfactor=([0-9]+)')::int, 100) AS fillfactor,
       w.columns, w.unknown, w.width, w.nullable
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN LATERAL (
    SELECT count(*) AS columns, count(*) FILTER (WHERE s.attname IS NULL) AS unknown,
           coalesce(sum((1 - s.null_frac) * s.avg_width), 0)::float8 AS width,
           coalesce(bool_or(s.null_frac > 0), false) AS nullable
    FROM pg_attribute AS a
    LEFT JOIN trivet.column_widths AS s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname
                               AND NOT s.inherited
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
) AS w ON true
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
  AND c.relpages * current_setting('block_size')::float8 >= 1048576
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
ORDER BY c.relpages DESC
LIMIT 2000
