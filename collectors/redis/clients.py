"""CLIENT LIST summed up by name and state."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from collectors.failed import one_line
from collectors.rest import REST

MOST_CLIENTS = 2000
"""Of more the list is not asked for: a line of it has 300 bytes, and Redis stands still while it writes them."""

MOST_GROUPS = 30
LONGEST_NAME = 60
LONGEST_NUMBER = 20
_STATES = (("M", "master"), ("S", "replica"), ("O", "monitor"), ("P", "pubsub"), ("b", "blocked"), ("x", "multi"))
_SUMS = ("tot-mem", "omem", "qbuf")
_TOPS = ("idle", "age")
USED = ("addr", "name", "flags", "cmd", *_SUMS, *_TOPS)

Client = Mapping[str, str]
Group = dict[str, Any]


def parsed(text: str) -> list[Client]:
    """Every client, of its fields those that are used here.

    >>> parsed("id=3 addr=127.0.0.1:5 name= age=0 flags=N cmd=client|list\\n")[0]["cmd"]
    'client|list'
    """
    # Not splitlines(): the name of a user may hold what Unicode takes for the end of a line.
    lines = [line.split(" ") for line in text.split("\n") if line]
    return [dict(zip(USED, found, strict=True)) for found in _used(lines)]


def _used(lines: Iterable[Sequence[str]]) -> Iterator[Sequence[str]]:
    """Of each line the values of the fields that are used. All lines of a server have the same fields: it is tried."""
    heads = tuple(f"{name}=" for name in USED)
    sizes = tuple(map(len, heads))
    pick: Callable[[Sequence[str]], Sequence[str]] = tuple
    for line in lines:
        try:
            found = pick(line)
            if not all(map(str.startswith, found, heads)) or len(found) != len(heads):
                raise ValueError
        except (IndexError, ValueError):
            named = {head: next((at for at, pair in enumerate(line) if pair.startswith(head)), None) for head in heads}
            if None not in named.values():
                pick = itemgetter(*named.values())
            found = [head if at is None else line[at] for head, at in named.items()]
        yield [pair[size:] for pair, size in zip(found, sizes, strict=True)]


def groups(
    clients: Sequence[Client], own: str, let_in: Callable[[Iterable[str]], Collection[str]] = tuple
) -> tuple[list[Group], int]:
    """One row for each name and state, the connection with our own address left out; the largest, and a rest.

    let_in  which names may be shown, of all in order of their clients
    Beside it how many groups are part of a rest.
    """
    found: dict[tuple[str, str], list[Client]] = {}
    for client in clients:
        if not _is_own(client, own):
            found.setdefault((client["name"], client["flags"]), []).append(client)
    merged: dict[tuple[str, str], list[Client]] = {}
    for (name, flags), members in found.items():
        merged.setdefault((one_line(name)[:LONGEST_NAME], state(flags)), []).extend(members)
    ranked = _ranked(_group(*key, members) for key, members in merged.items())
    # A client may call itself as the rest is called.
    known = {*let_in(group["name"] for group in ranked)} - {REST}
    strange = [group for group in ranked if group["name"] not in known]
    whole_states = {
        kind: {**_together([group for group in strange if group["state"] == kind]), "state": kind}
        for kind in dict.fromkeys(group["state"] for group in strange)
    }
    shown = _ranked([*(group for group in ranked if group["name"] in known), *whole_states.values()])
    rest = [_together(shown[MOST_GROUPS:])] if len(shown) > MOST_GROUPS else []
    own_names = sum(1 for group in shown[:MOST_GROUPS] if group["name"] in known)
    return [*shown[:MOST_GROUPS], *rest], len(ranked) - own_names


def state(flags: str) -> str:
    """What a client does, by its flags.

    >>> state("N"), state("Px"), state("b")
    ('normal', 'pubsub', 'blocked')
    """
    return next((word for flag, word in _STATES if flag in flags), "normal")


def _is_own(client: Client, own: str) -> bool:
    if own:
        return client["addr"] == own
    # Over a unix socket addresses are all alike; who asks for the list is who runs this command.
    return client["cmd"].startswith("client") and client["name"] in ("trivet", "")


def _group(name: str, state_: str, members: Sequence[Client]) -> Group:
    group: Group = {"name": name, "state": state_, "clients": len(members)}
    for column in _SUMS:
        group[column] = sum(_wholes([client[column] for client in members]))
    for column in _TOPS:
        group[column] = max(_wholes([client[column] for client in members]))
    return group


def _ranked(groups_: Iterable[Group]) -> list[Group]:
    return sorted(groups_, key=lambda group: (-group["clients"], group["name"], group["state"]))


def _together(groups_: Sequence[Group]) -> Group:
    total: Group = {"name": REST, "state": REST}
    for name in ("clients", *_SUMS):
        total[name] = sum(group[name] for group in groups_)
    for name in _TOPS:
        total[name] = max(group[name] for group in groups_)
    return total


def _wholes(texts: Sequence[str]) -> list[int]:
    try:
        numbers = list(map(int, texts))
    except ValueError:
        numbers = [-1]
    # Any that is none, or is below zero, is looked at by itself.
    return numbers if min(numbers) >= 0 else list(map(whole, texts))


def whole(text: str | None) -> int:
    """A number, or 0 where there is none.

    >>> whole("7"), whole(None), whole("-1")
    (7, 0, 0)
    """
    return int(text) if text and text.isdecimal() and len(text) < LONGEST_NUMBER else 0
