-- One blueprint with all its columns.
-- Version: 11+. Grants: SELECT on blueprints. Cost: one row by primary key.
SELECT id, user_id, name, description, provider, status, definition, created_at, updated_at
FROM blueprints
WHERE id = %(id)s
