-- Which tables of this database will autovacuum come for, why, and how far is it to that?
-- Least version: 10. Grants: none. Cost: 0.3 ms at 10 tables, 20 ms at 5,000.
-- The server's own arithmetic, with the table's settings before the server's. reltuples is -1 for a table that was never
-- analysed. For each reason the tables that are furthest, and how many are due.
WITH server AS MATERIALIZED (
    SELECT current_setting('autovacuum_vacuum_threshold')::float8 AS vacuum_threshold_,
           current_setting('autovacuum_vacuum_scale_factor')::float8 AS vacuum_scale_,
           current_setting('autovacuum_analyze_threshold')::float8 AS analyze_threshold_,
           current_setting('autovacuum_analyze_scale_factor')::float8 AS analyze_scale_,
           current_setting('autovacuum_freeze_max_age')::float8 AS freeze_age_
), own AS (
    SELECT c.oid, n.nspname, c.relname, greatest(c.reltuples, 0)::float8 AS rows, age(c.relfrozenxid) AS age,
           o.*
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    LEFT JOIN LATERAL (
        SELECT max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_vacuum_threshold') AS vacuum_threshold,
               max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_vacuum_scale_factor') AS vacuum_scale,
               max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_analyze_threshold') AS analyze_threshold,
               max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_analyze_scale_factor') AS analyze_scale,
               max(option_value::float8) FILTER (WHERE option_name = 'autovacuum_freeze_max_age') AS freeze_age,
               bool_and(option_value::bool) FILTER (WHERE option_name = 'autovacuum_enabled') AS enabled
        FROM pg_options_to_table(c.reloptions)
        WHERE c.reloptions IS NOT NULL
    ) AS o ON true
    WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
      AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
), far AS (
    SELECT nspname, relname, reason,
           CASE WHEN bound IS NOT NULL AND (reason = 'age' OR coalesce(enabled, true))
                THEN have / greatest(bound, 1) END AS due
    FROM own, server, LATERAL (VALUES
        ('dead', pg_stat_get_dead_tuples(oid)::float8,
         coalesce(vacuum_threshold, vacuum_threshold_) + coalesce(vacuum_scale, vacuum_scale_) * rows),
        ('changed', pg_stat_get_mod_since_analyze(oid)::float8,
         coalesce(analyze_threshold, analyze_threshold_) + coalesce(analyze_scale, analyze_scale_) * rows),
        ('age', age::float8, least(freeze_age, freeze_age_))
    ) AS reasons (reason, have, bound)
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY reason ORDER BY due DESC NULLS LAST, nspname, relname) AS place,
           count(*) FILTER (WHERE due > 1) OVER (PARTITION BY reason) AS tables
    FROM far
)
SELECT current_database() AS datname, nspname, relname, reason, due, tables
FROM ranked
WHERE place <= 10
ORDER BY reason, place
