-- Who wants to log in.
-- Version: 11+. Grants: SELECT on users. Cost: one row by index.
SELECT id, name, password_hash
FROM users
WHERE lower(email) = lower(%(email)s) AND status = 'active'
