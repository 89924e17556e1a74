-- Who may connect, and how much of the server each may take.
-- Version: 12+. Grants: superuser, in the platform's database, after schema.sql. Cost: none; may be run again, for a new password.
-- Settings: stack.app_secret and stack.trivet_secret, the SCRAM secrets of the two passwords. Set them with set_config() and a bound
-- parameter (psql: SELECT set_config('stack.app_secret', :'app_secret', false)): no clear password meets the server, its log or argv.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') THEN CREATE ROLE app; END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'trivet') THEN CREATE ROLE trivet; END IF;
    EXECUTE format('ALTER ROLE app LOGIN PASSWORD %L', current_setting('stack.app_secret'));
    EXECUTE format('ALTER ROLE trivet LOGIN CONNECTION LIMIT 5 PASSWORD %L', current_setting('stack.trivet_secret'));
END
$$;

-- The API. Its limits stand here because a SET in a session would leak to the next client of a transaction pool.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
ALTER ROLE app SET statement_timeout = '5s';
ALTER ROLE app SET idle_in_transaction_session_timeout = '10s';
-- list.sql has optional filters: a generic plan would scan, once statements are prepared.
ALTER ROLE app SET plan_cache_mode = force_custom_plan;

-- The collector: statistics, no table's content, and never the reason for a full server.
GRANT pg_monitor TO trivet;
-- How far sequences are, and how wide columns are: no value of a row.
GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO trivet;
CREATE SCHEMA IF NOT EXISTS trivet;
GRANT USAGE ON SCHEMA trivet TO trivet;
CREATE OR REPLACE VIEW trivet.column_widths AS
SELECT n.nspname AS schemaname, c.relname AS tablename, a.attname, s.stainherit AS inherited,
       s.stanullfrac AS null_frac, s.stawidth AS avg_width, s.stadistinct AS n_distinct
FROM pg_statistic AS s
JOIN pg_class AS c ON c.oid = s.starelid
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = s.staattnum
WHERE NOT a.attisdropped;
GRANT SELECT ON trivet.column_widths TO trivet;
ALTER ROLE trivet SET default_transaction_read_only = on;
ALTER ROLE trivet SET statement_timeout = '5s';
ALTER ROLE trivet SET lock_timeout = '250ms';
