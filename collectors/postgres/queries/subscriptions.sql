-- Which errors did each subscription meet?
-- Least version: 15. Grants: none. Cost: 0.1 ms.
SELECT * FROM pg_stat_subscription_stats LIMIT 100
