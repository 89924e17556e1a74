-- What is this server, in words?
-- Least version: 10. Grants: none. Cost: 0.05 ms.
SELECT version() AS version, 1 AS one
