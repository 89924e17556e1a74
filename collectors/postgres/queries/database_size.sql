-- How large is this database on disk?
-- Least version: 10. Grants: pg_monitor or CONNECT. Cost: 1 ms per thousand files, which the server opens one by one.
SELECT datname, pg_database_size(oid)::bigint AS size FROM pg_database WHERE oid = %s::oid
