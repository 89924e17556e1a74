-- What has each kind of process read and written, of what and why?
-- Least version: 16. Grants: none. Cost: 0.2 ms.
-- Of 30 to 80 rows, those that have done something.
SELECT *, reads * op_bytes AS read_bytes, writes * op_bytes AS write_bytes, extends * op_bytes AS extend_bytes
FROM pg_stat_io
WHERE coalesce(reads, 0) + coalesce(writes, 0) + coalesce(extends, 0) + coalesce(hits, 0) + coalesce(fsyncs, 0) > 0
LIMIT 200
