-- What can this server be called, where several answer?
-- Least version: 10. Grants: none (EXECUTE on pg_control_system is PUBLIC's). Cost: 0.1 ms.
SELECT (SELECT system_identifier FROM pg_control_system()) AS system,
       host(inet_server_addr()) || ':' || inet_server_port() AS address,
       to_char(pg_postmaster_start_time() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') AS started,
       pg_is_in_recovery() AS standby
