-- Has any setting changed?
-- Least version: 10. Grants: pg_monitor. Cost: 0.9 ms on the server, next to nothing for us.
SELECT md5(string_agg(concat_ws('=', name, reset_val, CASE WHEN source <> 'session' THEN setting END, pending_restart), ','
                      ORDER BY name)) AS mark
FROM pg_settings
WHERE name NOT IN ('in_hot_standby', 'transaction_read_only')
