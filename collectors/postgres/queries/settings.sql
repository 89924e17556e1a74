-- How is the server set?
-- Least version: 10. Grants: pg_monitor (without it some are missing, without an error). Cost: 0.8 ms.
-- Without texts, but for changes: reset_val is what a new session of our role has, setting is our own session's.
SELECT name, coalesce(unit, '') AS unit, vartype, reset_val AS value, pending_restart FROM pg_settings LIMIT 2000
