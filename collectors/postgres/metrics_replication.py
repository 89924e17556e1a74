"""Standbys, slots, and what a standby says of itself."""

from collectors.postgres.declare import gauge, total
from metrics.model import Unit
from metrics.poll import Tier
from metrics.reading import Column, Reading

_STANDBY = ("standby", "address")
_SLOT = ("slot", "type", "database")
_POSITION = "A position in the WAL in bytes, as a number: only differences mean something."

info = gauge("pg_server_info", "Always 1; what the server is.", ("server", "version", "short_version"))
INFO = Reading(
    "server",
    tier=Tier.SLOW,
    view="version()",
    labels={"server": "server", "version": "version", "short_version": "short_version"},
    columns={"one": info},
)
started = gauge("pg_postmaster_start_timestamp_seconds", "When the server started.", unit=Unit.SECONDS)
standby = gauge("pg_standby", "1 on a standby, 0 on a primary.")
position = gauge(
    "pg_wal_position_bytes",
    "Where writing the WAL is; on a standby, where receiving it is.",
    unit=Unit.BYTES,
    note=_POSITION,
)
lag = gauge(
    "pg_standby_own_lag_seconds",
    "On a standby, how old the newest replayed transaction is while there is more to replay.",
    unit=Unit.SECONDS,
    note="Zero while all that was received is replayed and WAL is being received: an idle primary is no lag. Without a "
    "connection to the primary it grows, whether or not there is anything to replay.",
)
replayed = gauge(
    "pg_standby_last_replay_seconds",
    "On a standby, how old the newest replayed transaction is.",
    unit=Unit.SECONDS,
    note="Grows while the primary commits nothing.",
)
replay_bytes = gauge("pg_standby_replay_bytes", "On a standby, WAL received and not yet replayed.", unit=Unit.BYTES)
receiving = gauge("pg_standby_receiving", "On a standby, 1 while WAL is streamed from its upstream.")
paused = gauge("pg_standby_replay_paused", "On a standby, 1 while replay is paused.")
POSITION = Reading(
    "position",
    view="pg_current_wal_lsn(), pg_last_wal_receive_lsn(), pg_last_xact_replay_timestamp(), pg_stat_wal_receiver",
    columns={
        "started": started,
        "standby": standby,
        "position": position,
        "lag": lag,
        "replayed": replayed,
        "replay_bytes": replay_bytes,
        "receiving": receiving,
        "paused": paused,
    },
    omitted={"received_tli": "positions are compared on one timeline", "conninfo": "may hold a secret"},
)
"""Columns that are not true of this role are NULL."""

behind_bytes = gauge(
    "pg_standby_lag_bytes",
    "WAL that a standby has not yet been sent, written, flushed or replayed.",
    (*_STANDBY, "stage"),
    Unit.BYTES,
)
behind_seconds = gauge(
    "pg_standby_lag_seconds",
    "Time until recent WAL was written, flushed and replayed by a standby.",
    (*_STANDBY, "stage"),
    Unit.SECONDS,
    note="Zero once all is confirmed; the server forgets the last figure when nothing happens.",
)
connected = gauge("pg_standby_connected", "Always 1; a standby that is connected.", (*_STANDBY, "state", "sync_state"))
sender = gauge("pg_standby_sender_pid", "Process that sends to it.", _STANDBY)
replied = gauge("pg_standby_reply_timestamp_seconds", "When it last reported.", _STANDBY, Unit.SECONDS)
sent_from = gauge("pg_standby_wal_position_bytes", "Where writing the WAL is.", _STANDBY, Unit.BYTES, note=_POSITION)
_STAGES = ("sent", "write", "flush", "replay")
REPLICATION = Reading(
    "replication",
    view="pg_stat_replication",
    labels={"application_name": "standby", "client_addr": "address"},
    columns={
        **{f"{stage}_bytes": Column(behind_bytes, labels={"stage": stage}) for stage in _STAGES},
        **{f"{stage}_lag": Column(behind_seconds, labels={"stage": stage}) for stage in _STAGES[1:]},
        "pid": sender,
        "reply_time": replied,
        "position": sent_from,
    },
    omitted={
        "usesysid": "the role is in pg_activity",
        "usename": "in pg_activity",
        "client_hostname": "the address tells it",
        "client_port": "another at each connection",
        "backend_start": "in pg_activity's records",
        "backend_xmin": "in xmin",
        "sync_priority": "a setting: synchronous_standby_names",
    },
)
CONNECTED = Reading(
    "standbys",
    view="pg_stat_replication",
    labels={"application_name": "standby", "client_addr": "address", "state": "state", "sync_state": "sync_state"},
    columns={"one": connected},
)
"""Made by the collector of the rows of ``replication``: no further query."""

slot_active = gauge("pg_slot_active", "1 while a client uses the slot.", _SLOT)
slot_kept = gauge("pg_slot_retained_bytes", "WAL that the server keeps for the slot.", _SLOT, Unit.BYTES)
slot_behind = gauge(
    "pg_slot_unconfirmed_bytes", "WAL that a logical slot's client has not confirmed.", _SLOT, Unit.BYTES
)
slot_safe = gauge(
    "pg_slot_safe_wal_bytes",
    "WAL that may still be written before the slot is in danger.",
    _SLOT,
    Unit.BYTES,
    note="No sample while max_slot_wal_keep_size is -1: then the disk is the limit.",
)
slot_status = gauge("pg_slot_wal_status", "Always 1; whether the slot's WAL is there.", (*_SLOT, "wal_status"))
slot_conflicting = gauge("pg_slot_conflicting", "1 once recovery has invalidated a logical slot.", _SLOT)
slot_inactive = gauge("pg_slot_inactive_seconds", "How long nobody has used the slot.", _SLOT, Unit.SECONDS)
slot_confirmed = gauge(
    "pg_slot_confirmed_position_bytes", "Up to where its client has confirmed.", _SLOT, Unit.BYTES, note=_POSITION
)
slot_current = gauge("pg_slot_current_position_bytes", "Where writing is.", _SLOT, Unit.BYTES, note=_POSITION)
_SLOT_LABELS = {"slot_name": "slot", "slot_type": "type", "database": "database"}
SLOTS = Reading(
    "slots",
    tier=Tier.MEDIUM,
    view="pg_replication_slots",
    labels=_SLOT_LABELS,
    columns={
        "active": slot_active,
        "retained": slot_kept,
        "unconfirmed": slot_behind,
        "safe_wal_size": Column(slot_safe, since=(13,)),
        "conflicting": Column(slot_conflicting, since=(16,)),
        "inactive": Column(slot_inactive, since=(17,)),
        "confirmed": slot_confirmed,
        "current": slot_current,
    },
    omitted={
        "plugin": "no measure",
        "xmin": "in xmin",
        "catalog_xmin": "in xmin",
        "two_phase*": "no measure",
        "failover": "no measure",
        "synced": "no measure",
        "invalidation_reason": "in wal_status: lost",
    },
)
SLOT_STATUS = Reading(
    "slot_status",
    tier=Tier.MEDIUM,
    view="pg_replication_slots",
    since=(13,),
    labels={**_SLOT_LABELS, "wal_status": "wal_status"},
    columns={"one": slot_status},
)
"""Made by the collector of the rows of ``slots``: no further query."""

_DECODED = ("slot",)
spilled = total("pg_slot_spilled_bytes_total", "Bytes that decoding wrote to disk.", _DECODED, Unit.BYTES)
spill_transactions = total("pg_slot_spilled_transactions_total", "Transactions it wrote to disk.", _DECODED)
spills = total("pg_slot_spills_total", "Times that it wrote a transaction to disk.", _DECODED)
streamed = total("pg_slot_streamed_bytes_total", "Bytes sent of transactions in progress.", _DECODED, Unit.BYTES)
stream_transactions = total("pg_slot_streamed_transactions_total", "Transactions sent in progress.", _DECODED)
streams = total("pg_slot_streams_total", "Times that a transaction was sent in progress.", _DECODED)
decoded = total("pg_slot_decoded_bytes_total", "Bytes of transactions decoded.", _DECODED, Unit.BYTES)
decoded_transactions = total("pg_slot_decoded_transactions_total", "Transactions decoded.", _DECODED)
DECODING = Reading(
    "decoding",
    tier=Tier.MEDIUM,
    since=(14,),
    labels={"slot_name": "slot"},
    columns={
        "spill_txns": spill_transactions,
        "spill_count": spills,
        "spill_bytes": spilled,
        "stream_txns": stream_transactions,
        "stream_count": streams,
        "stream_bytes": streamed,
        "total_txns": decoded_transactions,
        "total_bytes": decoded,
    },
    omitted={"stats_reset": "asked with identity; a reset is an event"},
)

apply_errors = total("pg_subscription_apply_errors_total", "Errors while changes were applied.", ("subscription",))
sync_errors = total("pg_subscription_sync_errors_total", "Errors while tables were copied.", ("subscription",))
SUBSCRIPTIONS = Reading(
    "subscriptions",
    tier=Tier.MEDIUM,
    since=(15,),
    labels={"subname": "subscription"},
    columns={"apply_error_count": apply_errors, "sync_error_count": sync_errors},
    omitted={
        "subid": "the name tells it",
        "stats_reset": "asked with identity; a reset is an event",
        "confl_*": "what conflicted stands in the server's log",
    },
)
