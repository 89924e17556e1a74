-- Whether a statement gets through pool, PgBouncer and PostgreSQL.
-- Version: 11+. Grants: none. Cost: a round trip.
SELECT 1 AS ready
