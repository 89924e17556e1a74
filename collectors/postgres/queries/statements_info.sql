-- When was pg_stat_statements last reset, and how often did it evict entries?
-- Least version: 14. Grants: pg_monitor. Cost: 0.1 ms.
SELECT dealloc, extract(epoch FROM stats_reset)::float8 AS reset FROM pg_stat_statements_info
