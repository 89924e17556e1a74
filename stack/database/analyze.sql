-- Statistics for the planner and the visibility map for index-only scans, before the first request instead of after the first autovacuum.
-- Version: 12+. Grants: owner of the tables. Cost: a second or two; not inside a transaction.
VACUUM (ANALYZE);
