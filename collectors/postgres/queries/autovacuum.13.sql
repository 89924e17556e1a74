-- Which tables of this database will autovacuum come for, why, and how far is it to that?
-- Least version: 13. Grants: none. Cost: 0.3 ms at 10 tables, 20 ms at 5,000.
-- The server's own arithmetic, with the table's settings before the server's. reltuples is -1 for a table that was never
-- analysed. For each reason the tables that are furthest, and how many are due.
WITH server AS MATERIALIZED (
    SELECT current_setting('autovacuum_vacuum_threshold')::float8 AS vacuum_threshold,
           current_setting('autovacuum_vacuum_scale_factor')::float8 AS vacuum_scale,
           current_setting('autovacuum_vacuum_insert_threshold')::float8 AS insert_threshold,
           current_setting('autovacuum_vacuum_insert_scale_factor')::float8 AS insert_scale,
           current_setting('autovacuum_analyze_threshold')::float8 AS analyze_threshold,
           current_setting('autovacuum_analyze_scale_factor')::float8 AS analyze_scale,
           current_setting('autovacuum_freeze_max_age')::float8 AS freeze_age
), far AS MATERIALIZED (
    SELECT n.nspname, c.relname,
           CASE WHEN coalesce(o.enabled, true) THEN pg_stat_get_dead_tuples(c.oid) / greatest(1,
               coalesce(o.vacuum_threshold, s.vacuum_threshold)
               + coalesce(o.vacuum_scale, s.vacuum_scale) * greatest(c.reltuples, 0)) END AS dead,
           CASE WHEN coalesce(o.enabled, true) AND coalesce(o.insert_threshold, s.insert_threshold) >= 0
                THEN pg_stat_get_ins_since_vacuum(c.oid) / greatest(1,
                    coalesce(o.insert_threshold, s.insert_threshold)
                    + coalesce(o.insert_scale, s.insert_scale) * greatest(c.reltuples, 0)) END AS inserted,
           CASE WHEN coalesce(o.enabled, true) THEN pg_stat_get_mod_since_analyze(c.oid) / greatest(1,
               coalesce(o.analyze_threshold, s.analyze_threshold)
               + coalesce(o.analyze_scale, s.analyze_scale) * greatest(c.reltuples, 0)) END AS changed,
           age(c.relfrozenxid) / least(o.freeze_age, s.freeze_age) AS age
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    CROSS JOIN server AS s
    LEFT JOIN LATERAL (
        SELECT max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_vacuum_threshold') AS vacuum_threshold,
               max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_vacuum_scale_factor') AS vacuum_scale,
               max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_vacuum_insert_threshold') AS insert_threshold,
               max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_vacuum_insert_scale_factor') AS insert_scale,
               max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_analyze_threshold') AS analyze_threshold,
               max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_analyze_scale_factor') AS analyze_scale,
               max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_freeze_max_age') AS freeze_age,
               bool_and(option_value::bool) FILTER (WHERE option_name = 'autovacuum_enabled') AS enabled
        FROM pg_options_to_table(c.reloptions)
    ) AS o ON c.reloptions IS NOT NULL
    WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
), due AS (
    SELECT count(*) FILTER (WHERE dead > 1) AS dead,
           count(*) FILTER (WHERE inserted > 1) AS inserted,
           count(*) FILTER (WHERE changed > 1) AS changed,
           count(*) FILTER (WHERE age > 1) AS age
    FROM far
)
SELECT current_database() AS datname, worst.*
FROM due, LATERAL (
    (SELECT nspname, relname, 'dead' AS reason, far.dead::float8 AS due, due.dead AS tables
     FROM far ORDER BY far.dead DESC NULLS LAST, nspname, relname LIMIT 10)
    UNION ALL
    (SELECT nspname, relname, 'inserted' AS reason, far.inserted::float8 AS due, due.inserted AS tables
     FROM far ORDER BY far.inserted DESC NULLS LAST, nspname, relname LIMIT 10)
    UNION ALL
    (SELECT nspname, relname, 'changed' AS reason, far.changed::float8 AS due, due.changed AS tables
     FROM far ORDER BY far.changed DESC NULLS LAST, nspname, relname LIMIT 10)
    UNION ALL
    (SELECT nspname, relname, 'age' AS reason, far.age::float8 AS due, due.age AS tables
     FROM far ORDER BY far.age DESC NULLS LAST, nspname, relname LIMIT 10)
) AS worst
