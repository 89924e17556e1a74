-- Is WAL being archived?
-- Least version: 10. Grants: none. Cost: 0.05 ms.
SELECT *, extract(epoch FROM clock_timestamp() - last_archived_time)::float8 AS archived_age,
       extract(epoch FROM clock_timestamp() - last_failed_time)::float8 AS failed_age
FROM pg_stat_archiver
