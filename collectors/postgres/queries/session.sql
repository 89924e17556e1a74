-- Be impatient, and change nothing.
-- Least version: 10. Grants: none. Cost: 0.05 ms.
-- Set here and not at connect: then reset_val in pg_settings stays what the server and the role have.
SELECT set_config('statement_timeout', %s::text, false),
       set_config('lock_timeout', '250', false),
       set_config('idle_in_transaction_session_timeout', '10000', false),
       set_config('default_transaction_read_only', 'on', false),
       set_config('jit', 'off', false)
