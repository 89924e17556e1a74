-- Changes the fields that were given, logs it, and says what the listed columns were, so that only what changed is invalidated.
-- Version: 11+. Grants: SELECT, UPDATE on blueprints, INSERT on audit_logs. Cost: one row by primary key; HOT when no indexed column changes.
WITH old AS (
    SELECT id, name, provider, status FROM blueprints WHERE id = %(id)s FOR UPDATE
), changed AS (
    UPDATE blueprints b
    SET name = coalesce(%(name)s, b.name), description = coalesce(%(description)s, b.description),
        provider = coalesce(%(provider)s, b.provider), status = coalesce(%(status)s, b.status),
        definition = coalesce(%(definition)s, b.definition), updated_at = now()
    FROM old
    WHERE b.id = old.id
    RETURNING b.id, b.user_id, b.name, b.description, b.provider, b.status, b.definition, b.created_at, b.updated_at,
              old.name AS old_name, old.provider AS old_provider, old.status AS old_status
), logged AS (
    INSERT INTO audit_logs (user_id, action, resource_type, resource_id)
    SELECT user_id, 'update', 'blueprint', id FROM changed
)
SELECT * FROM changed
