-- How many entries of which width do the B-tree indexes of at least 1 MB hold, in how many pages?
-- Least version: 12. Grants: SELECT on trivet.column_widths, a view of yours that holds no values (see hints.py).
-- Cost: 1 ms at 10 indexes, 70 ms at 2,000.
-- A column of an expression has its statistics under the index's own name. The columns are found first: joined at once,
-- the view of statistics, which is a security barrier, is read whole for each index.
-- alike: of the types of all columns equal values are the same bytes, so that equal entries can be stored once.
WITH shown AS MATERIALIZED (
    SELECT c.oid, n.nspname, t.relname, c.relname AS indexrelname, c.relpages, c.reltuples::float8 AS reltuples,
           array_to_string(c.reloptions, ' ') AS options, greatest(t.reltuples, 0)::float8 AS rows,
           x.indrelid, x.indkey, x.indclass, x.indcollation,
           NOT x.indisunique AND x.indnatts = x.indnkeyatts AS plain
    FROM pg_index AS x
    JOIN pg_class AS c ON c.oid = x.indexrelid
    JOIN pg_class AS t ON t.oid = x.indrelid
    JOIN pg_namespace AS n ON n.oid = t.relnamespace
    JOIN pg_am AS m ON m.oid = c.relam
    WHERE m.amname = 'btree' AND c.relkind = 'i' AND x.indisvalid AND t.relkind IN ('r', 'm') AND t.relpersistence <> 't'
      AND c.relpages * current_setting('block_size')::float8 >= 1048576
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    ORDER BY c.relpages DESC, c.oid
    LIMIT 2000
), keys AS MATERIALIZED (
    SELECT i.oid, i.rows, i.nspname, a.attnum, a.attlen, a.attalign,
           CASE WHEN b.attname IS NULL THEN i.indexrelname ELSE i.relname END AS relname,
           coalesce(b.attname, a.attname) AS attname,
           f.amproc IS NOT NULL AND coalesce(l.collisdeterministic, true) AS alike
    FROM shown AS i
    JOIN pg_attribute AS a ON a.attrelid = i.oid AND a.attnum > 0
    LEFT JOIN pg_attribute AS b ON b.attrelid = i.indrelid AND b.attnum = i.indkey[a.attnum - 1] AND b.attnum <> 0
    LEFT JOIN pg_opclass AS o ON o.oid = i.indclass[a.attnum - 1]
    LEFT JOIN pg_amproc AS f ON f.amprocfamily = o.opcfamily AND f.amprocnum = 4
              AND f.amproclefttype = o.opcintype AND f.amprocrighttype = o.opcintype
    LEFT JOIN pg_collation AS l ON l.oid = i.indcollation[a.attnum - 1]
), widths AS (
    SELECT k.oid, count(*) FILTER (WHERE s.attname IS NULL) AS unknown, bool_and(k.alike) AS alike,
           array_agg(s.avg_width::float8 ORDER BY k.attnum) AS widths,
           array_agg(s.null_frac::float8 ORDER BY k.attnum) AS nulls,
           array_agg((CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * k.rows ELSE s.n_distinct END)::float8
                     ORDER BY k.attnum) AS distincts,
           array_agg(k.attlen > 0 ORDER BY k.attnum) AS fixed,
           array_agg(k.attalign::text ORDER BY k.attnum) AS aligns
    FROM keys AS k
    LEFT JOIN trivet.column_widths AS s ON s.schemaname = k.nspname AND s.tablename = k.relname AND s.attname = k.attname
                               AND NOT s.inherited
    GROUP BY k.oid
)
SELECT current_database() AS datname, i.nspname, i.relname, i.indexrelname, i.relpages, i.reltuples,
       current_setting('block_size')::int AS page,
       coalesce(substring(i.options FROM 'fillfactor=([0-9]+)')::int, 90) AS fillfactor,
       w.unknown, w.widths, w.nulls, w.distincts, w.fixed, w.aligns,
       w.alike AND i.plain AND coalesce(i.options !~ 'deduplicate_items=(off|false|no|0)', true) AS equal
FROM shown AS i
JOIN widths AS w USING (oid)
