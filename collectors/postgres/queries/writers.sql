-- When were the statistics of checkpoints and of the background writer last reset?
-- Least version: 10. Grants: none. Cost: 0.05 ms.
SELECT extract(epoch FROM stats_reset)::float8 AS reset FROM pg_stat_bgwriter
