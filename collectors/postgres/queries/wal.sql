-- How much WAL was written, and what did that cost?
-- Least version: 14. Grants: none. Cost: 0.05 ms.
SELECT * FROM pg_stat_wal
