-- Who writes the dirty buffers, and what do checkpoints cost?
-- Least version: 10. Grants: none. Cost: 0.1 ms.
SELECT checkpoints_timed, checkpoints_req AS checkpoints_requested, checkpoint_write_time, checkpoint_sync_time,
       buffers_checkpoint, buffers_clean, buffers_backend, buffers_backend_fsync, buffers_alloc, maxwritten_clean
FROM pg_stat_bgwriter
