-- When were the statistics of the background writer and of the checkpointer last reset?
-- Least version: 17. Grants: none. Cost: 0.05 ms.
SELECT extract(epoch FROM w.stats_reset)::float8 AS reset, extract(epoch FROM c.stats_reset)::float8 AS checkpointer_reset
FROM pg_stat_bgwriter AS w, pg_stat_checkpointer AS c
