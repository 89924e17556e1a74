-- Is there a view of column widths that the role may read, with the count of distinct values that indexes want?
-- Least version: 10. Grants: none. Cost: 0.05 ms.
SELECT coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), false)
       AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'n_distinct') AS readable
FROM (VALUES (1)) AS always
LEFT JOIN pg_namespace AS n ON n.nspname = 'trivet'
LEFT JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = 'column_widths'
