-- A new blueprint and its line in the audit log, in one statement: together or not at all, and one round trip.
-- Version: 11+. Grants: INSERT on blueprints, audit_logs. Cost: two rows and their index entries.
WITH made AS (
    INSERT INTO blueprints (user_id, name, description, provider, status, definition)
    VALUES (%(user_id)s, %(name)s, %(description)s, %(provider)s, %(status)s, %(definition)s)
    RETURNING id, user_id, name, description, provider, status, definition, created_at, updated_at
), logged AS (
    INSERT INTO audit_logs (user_id, action, resource_type, resource_id)
    SELECT user_id, 'create', 'blueprint', id FROM made
)
SELECT * FROM made
