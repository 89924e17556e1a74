-- Who writes the dirty buffers, and what do checkpoints cost?
-- Least version: 17, where checkpoints have a view of their own. Grants: none. Cost: 0.1 ms.
-- All of its columns are there under their own names too: num_done and slru_written since 18.
SELECT c.*, c.num_timed AS checkpoints_timed, c.num_requested AS checkpoints_requested,
       c.write_time AS checkpoint_write_time, c.sync_time AS checkpoint_sync_time,
       c.buffers_written AS buffers_checkpoint, b.buffers_clean, b.buffers_alloc, b.maxwritten_clean
FROM pg_stat_checkpointer AS c, pg_stat_bgwriter AS b
