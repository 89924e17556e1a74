-- What did the block before this find? A JSON array, or the error that it met.
-- Least version: 13. Grants: none. Cost: 0.05 ms.
SELECT textsend(current_setting('trivet.answer')) AS answer, set_config('trivet.answer', '', false) AS emptied
