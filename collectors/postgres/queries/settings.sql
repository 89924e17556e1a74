-- How is the server set?
-- Least version: 10. Grants: pg_monitor (without it some are missing, without an error). Cost: 0.8 ms.
-- reset_val is what a new session of our role has: taken where our own session has set something.
SELECT name, coalesce(unit, '') AS unit, vartype, pending_restart,
       CASE WHEN source = 'session' OR name = 'transaction_read_only' THEN reset_val ELSE setting END AS value
FROM pg_settings
LIMIT 2000
