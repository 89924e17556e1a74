-- Which of these statements are no queries of an application: utility commands and our own?
-- Least version: 13. Grants: pg_monitor. Cost: 18 ms at 5,000 entries; asked once for each new statement.
-- Utility commands are told by their first word, ours by the comment that the collector puts first.
SELECT DISTINCT queryid::text AS queryid
FROM pg_stat_statements(true)
WHERE queryid = ANY (%s::bigint[])
  AND (query LIKE '/* trivet */%%'
       OR query !~* '^(\s|/\*.*?\*/|--[^\n]*\n|\()*(select|insert|update|delete|merge|with|values|table)\M')
