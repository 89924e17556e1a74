-- How are the small caches used: of transaction states, of subtransactions, of multixacts?
-- Least version: 13. Grants: none. Cost: 0.1 ms.
SELECT * FROM pg_stat_slru WHERE blks_hit + blks_read + blks_written > 0 LIMIT 50
