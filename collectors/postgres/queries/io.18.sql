-- What has each kind of process read and written, of what and why?
-- Least version: 18, whose rows have bytes of their own: an operation may be of several blocks. Grants: none. Cost: 0.2 ms.
-- Of 30 to 80 rows, those that have done something.
SELECT *
FROM pg_stat_io
WHERE coalesce(reads, 0) + coalesce(writes, 0) + coalesce(extends, 0) + coalesce(hits, 0) + coalesce(fsyncs, 0) > 0
LIMIT 200
