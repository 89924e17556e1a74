-- Be impatient, and change nothing; and since when does this server run?
-- Least version: 10. Grants: none. Cost: 0.05 ms.
-- Set here and not at connect: then reset_val in pg_settings stays what the server and the role have.
SELECT set_config('statement_timeout', %s::text, false),
       set_config('lock_timeout', '250', false),
       set_config('idle_in_transaction_session_timeout', '10000', false),
       set_config('default_transaction_read_only', 'on', false),
       set_config('jit', 'off', false),
       extract(epoch FROM pg_postmaster_start_time())::float8 AS began,
       extract(epoch FROM clock_timestamp() - pg_postmaster_start_time())::float8 AS age
