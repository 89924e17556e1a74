-- Which statements are the next question about?
-- Least version: 13. Grants: none. Cost: 0.05 ms.
SELECT set_config('trivet.wanted', %s::text, false)
