-- Removes a blueprint, what was built from it (ON DELETE CASCADE), and logs it.
-- Version: 11+. Grants: DELETE on blueprints, INSERT on audit_logs. Cost: one row, and its infrastructures with theirs, by index.
WITH gone AS (
    DELETE FROM blueprints WHERE id = %(id)s RETURNING id, user_id, provider, status
), logged AS (
    INSERT INTO audit_logs (user_id, action, resource_type, resource_id)
    SELECT user_id, 'delete', 'blueprint', id FROM gone
)
SELECT * FROM gone
