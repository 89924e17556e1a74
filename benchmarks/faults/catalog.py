"""Every fault, in the order of its number, with how often it is caused in the gate and in full."""

from benchmarks.faults import (
    backups,
    clock,
    collectors,
    damage,
    disk,
    failing,
    folder,
    fuzzing,
    killing,
    limits,
    migrating,
    powercut,
    remote,
    wal,
)
from benchmarks.faults.fault import Fault

FAULTS = (
    Fault(1, "kill -9 in mid-write", killing.in_mid_write, 20, 100),
    Fault(2, "kill -9 in compaction", killing.in_compaction, 8, 30),
    Fault(3, "power cut", powercut.power_cut, 3, 10),
    Fault(4, "disk full, then freed", disk.full, 3, 20),
    Fault(5, "limit of a file's size", limits.file_size, 2, 10),
    Fault(6, "data folder read-only or foreign", folder.unwritable, 1, 5),
    Fault(7, "damaged pages, names and spans", damage.damaged_pages, 21, 180),
    Fault(8, "WAL deleted", wal.deleted, 8, 20),
    Fault(9, "backup under load, restored", backups.under_load, 5, 20),
    Fault(10, "clock set", clock.steps, 1, 2),
    Fault(11, "two collectors", collectors.two, 6, 50),
    Fault(12, "migration killed at each statement", migrating.at_each_statement, 15, 1000),
    Fault(13, "failing fsync and write", failing.system_calls, 9, 60),
    Fault(14, "limit of open files", limits.descriptors, 2, 10),
    Fault(15, "limit of memory", limits.memory, 1, 3),
    Fault(16, "10,000 series in one poll", limits.many_series, 1, 3),
    Fault(17, "SIGTERM while writing", killing.told_to_stop, 10, 50),
    # The second time for 60 s.
    Fault(18, "SIGSTOP", collectors.stopped, 1, 2),
    Fault(19, "hung source among 20", collectors.hung, 1, 3),
    Fault(20, "garbage replies", fuzzing.garbage, 100_000, 300_000),
    Fault(21, "remote store away for five minutes", remote.away, 1, 5),
)
