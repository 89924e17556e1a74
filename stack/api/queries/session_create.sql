-- Opens a session and removes the user's expired ones, so that the table stays as large as its use.
-- Version: 11+. Grants: INSERT, DELETE on sessions. Cost: one insert, a short index range.
WITH expired AS (
    DELETE FROM sessions WHERE user_id = %(user_id)s AND expires_at < now()
)
INSERT INTO sessions (user_id, token_hash, expires_at)
VALUES (%(user_id)s, %(token_hash)s, now() + interval '14 days')
RETURNING expires_at
