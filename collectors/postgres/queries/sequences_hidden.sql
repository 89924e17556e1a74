-- How many sequences of this database may the role not read?
-- Least version: 10. Grants: none. Cost: 0.1 ms at 10 sequences.
SELECT current_database() AS datname, count(*) AS hidden
FROM pg_sequence
WHERE NOT has_sequence_privilege(seqrelid, 'SELECT, USAGE')
