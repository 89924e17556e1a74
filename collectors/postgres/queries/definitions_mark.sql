-- Has the definition of any object of this database changed?
-- Least version: 11. Grants: none. Cost: 1 ms at 10 tables, 25 ms at 5,000.
-- The numbers of the transactions that last wrote the catalog's rows. VACUUM and ANALYZE write in place and change none.
-- The object's number is the seed: hashint8extended() folds the halves of its value together, so that both in one
-- value, which grow side by side, would often give what they gave before.
SELECT (SELECT coalesce(sum(hashint8extended(xmin::text::bigint, oid::bigint)), 0)
        FROM pg_class WHERE oid >= 16384 AND relpersistence <> 't' AND relkind IN ('r', 'p', 'm', 'v', 'i', 'I', 'S', 'f'))::text
       || ' ' ||
       (SELECT coalesce(sum(hashint8extended(xmin::text::bigint, attrelid::bigint * 65536 + attnum)), 0)
        FROM pg_attribute WHERE attrelid >= 16384 AND attnum > 0)::text
       || ' ' ||
       (SELECT coalesce(sum(hashint8extended(xmin::text::bigint, oid::bigint)), 0) FROM pg_constraint)::text
       || ' ' ||
       (SELECT coalesce(sum(hashint8extended(xmin::text::bigint, oid::bigint)), 0)
        FROM pg_rewrite WHERE oid >= 16384)::text AS mark
