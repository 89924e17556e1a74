-- How many client sessions are in each state?
-- Least version: 10. Grants: pg_monitor (without it the sessions of others have no state: "unknown"). Cost: 0.4 ms at 100 sessions.
-- States without sessions are zeros, so that a chart does not lose its line.
SELECT state, count(pid) AS sessions
FROM (VALUES ('active'), ('idle'), ('idle in transaction'), ('idle in transaction (aborted)')) AS known (state)
FULL JOIN (
    SELECT pid, coalesce(state, 'unknown') AS state FROM pg_stat_activity WHERE backend_type = 'client backend'
) AS sessions USING (state)
GROUP BY state
