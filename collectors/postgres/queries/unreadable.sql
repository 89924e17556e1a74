-- In this database, how many sequences and how many tables of at least 1 MB have statistics that the role may not read?
-- Least version: 10. Grants: none. Cost: 0.2 ms at 10 tables, 10 ms at 5,000.
SELECT count(*) FILTER (WHERE relkind = 'S' AND NOT has_sequence_privilege(oid, 'SELECT, USAGE')) AS sequences,
       count(*) FILTER (WHERE relkind IN ('r', 'm') AND NOT has_table_privilege(oid, 'SELECT')
                              AND relpages * current_setting('block_size')::float8 >= 1048576) AS tables,
       coalesce(min(relnamespace::regnamespace::text) FILTER (WHERE relkind = 'S'), 'public') AS schema
FROM pg_class
WHERE relpersistence <> 't' AND oid >= 16384 AND relkind IN ('r', 'm', 'S')
