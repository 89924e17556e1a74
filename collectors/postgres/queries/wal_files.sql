-- How many files are in pg_wal, and how large are they?
-- Least version: 10. Grants: pg_monitor. Cost: 0.1 ms and 2 ms for each thousand files.
SELECT count(*) AS files, coalesce(sum(size), 0)::float8 AS bytes FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'
