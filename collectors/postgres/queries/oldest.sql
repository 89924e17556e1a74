-- Which tables of this database hold the oldest rows that are not frozen?
-- Least version: 10. Grants: none. Cost: 0.2 ms at 10 tables, 5 ms at 5,000.
-- A TOAST table counts for the table that it belongs to.
SELECT current_database() AS datname, n.nspname, c.relname,
       greatest(age(c.relfrozenxid), age(t.relfrozenxid)) AS age
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_class AS t ON t.oid = c.reltoastrelid
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
ORDER BY age DESC, n.nspname, c.relname
LIMIT 10
