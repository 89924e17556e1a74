-- What has each logical slot decoded, and how much of it did not fit into memory?
-- Least version: 14. Grants: none. Cost: 0.1 ms.
SELECT * FROM pg_stat_replication_slots LIMIT 100
