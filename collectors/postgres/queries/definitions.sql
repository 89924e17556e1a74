-- What is the definition of each table, view, index and sequence of this database, as a digest?
-- Least version: 10. Grants: none. Cost: 2 ms at 10 tables, 0.3 s at 5,000; asked when definitions_mark changes.
-- Columns, defaults, constraints and settings are part of their table, its query of a view. Not those of temporary
-- tables. Catalogs alone, no pg_get_indexdef(): that waits for locks.
SELECT CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'i' THEN 'index' WHEN 'I' THEN 'index'
                      WHEN 'S' THEN 'sequence' WHEN 'f' THEN 'foreign table' ELSE 'table' END AS kind,
       c.oid::bigint AS oid, n.nspname, c.relname,
       md5(concat_ws('|', c.relpersistence, c.relam, array_to_string(c.reloptions, ','),
           x.definition,
           a.columns, k.constraints, v.ev_action::text)) AS digest
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN (
    SELECT indexrelid, concat_ws(' ', indrelid, indisunique, indkey::text, indclass::text, indcollation::text,
                                 indoption::text, indexprs::text, indpred::text) AS definition
    FROM pg_index
) AS x ON x.indexrelid = c.oid
LEFT JOIN pg_rewrite AS v ON v.ev_class = c.oid AND v.rulename = '_RETURN'
LEFT JOIN (
    SELECT a.attrelid, string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                                            a.attcollation, d.adbin), ',' ORDER BY a.attnum) AS columns
    FROM pg_attribute AS a
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid >= 16384
    GROUP BY a.attrelid
) AS a ON a.attrelid = c.oid AND c.relkind NOT IN ('i', 'I', 'S')
LEFT JOIN (
    SELECT conrelid, string_agg(concat_ws(' ', conname, contype, convalidated, conkey::text, confrelid, confkey::text, conbin),
                                ',' ORDER BY conname) AS constraints
    FROM pg_constraint
    WHERE conrelid >= 16384
    GROUP BY conrelid
) AS k ON k.conrelid = c.oid
WHERE c.relkind IN ('r', 'p', 'm', 'v', 'i', 'I', 'S', 'f') AND c.relpersistence <> 't' AND c.oid >= 16384
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
ORDER BY c.oid
LIMIT 50000
