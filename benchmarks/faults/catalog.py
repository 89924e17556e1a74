"""Every fault, in the order of its number."""

from benchmarks.faults import damage, disk, killing, limits, powercut, wal
from benchmarks.faults.fault import Fault

FAULTS = (
    Fault(1, "kill -9 in mid-write", killing.in_mid_write, 20, 100),
    Fault(2, "kill -9 in compaction", killing.in_compaction, 8, 30),
    Fault(3, "power cut", powercut.power_cut, 3, 10),
    Fault(4, "disk full, then freed", disk.full, 3, 20),
    Fault(5, "limit of a file's size", limits.file_size, 2, 10),
    Fault(7, "damaged pages", damage.damaged_pages, 20, 60),
    Fault(8, "WAL deleted", wal.deleted, 8, 20),
    Fault(14, "limit of open files", limits.descriptors, 2, 10),
    Fault(15, "limit of memory", limits.memory, 1, 3),
    Fault(16, "10,000 series in one poll", limits.many_series, 1, 3),
    Fault(17, "SIGTERM while writing", killing.told_to_stop, 10, 50),
)
