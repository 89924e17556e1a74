"""A message as text: what chat, mail and pages all begin with. Ten lines tell whether to get up."""

from datetime import datetime

from alerts.message import Fact, Message
from alerts.quiet import zone
from metrics.duration import spoken

WORDS = {"firing": "FIRING", "repeat": "STILL FIRING", "resolved": "RESOLVED", "lost": "FIRING, DATA LOST"}


def when(at: float, name: str) -> str:
    """A moment with its zone.

    >>> when(0.0, "UTC"), when(0.0, "Europe/Berlin")
    ('1970-01-01 00:00:00 UTC', '1970-01-01 01:00:00 CET (+01:00)')
    """
    local = datetime.fromtimestamp(at, zone(name))
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%d %H:%M:%S %Z}" + (f" ({offset[:3]}:{offset[3:]})" if local.utcoffset() else "")


def lines(fact: Fact, zone_name: str, external_url: str = "") -> list[str]:
    """One incident, the most telling first."""
    state = WORDS.get(fact.state, fact.state.upper())
    found = [f"{state} [{fact.severity}] {fact.subject}: {fact.title} {fact.value}, target {fact.bound}"]
    span = f", lasted {spoken(fact.lasted)}" if fact.lasted is not None else ""
    window = f", over {spoken(fact.window)}" if fact.window else ""
    found.append(f"since {when(fact.since, zone_name)}{span}{window}")
    if fact.reason:
        found.append(fact.reason)
    if fact.flapping:
        found.append("It comes and goes: it has ended three times or more within an hour.")
    if fact.state != "resolved":
        found += [text for text in (fact.meaning, fact.advice) if text]
        found += [f"worst: {text}" for text in fact.worst]
    found += [f"at that time: {text}" for text in fact.beside]
    if external_url and fact.path:
        found.append(f"look: {external_url.rstrip('/')}{fact.path}")
    if external_url and fact.silence_path and fact.state != "resolved":
        found.append(f"silence: {external_url.rstrip('/')}{fact.silence_path}")
    return found


def plain(message: Message, zone_name: str, external_url: str = "", most: int = 0) -> str:
    """The whole message; of one that would be longer than ``most`` characters, as many incidents as fit, counted."""
    if not message.facts:
        return f"{message.subject}\n{message.note}"
    head = summary(message)
    blocks = ["\n".join(lines(fact, zone_name, external_url)) for fact in message.facts]
    total = message.firing + message.resolved
    whole = "\n\n".join([head, *blocks, *_more(total - len(blocks), external_url)])
    if not most or len(whole) <= most:
        return whole
    short = [blocks_[0] for blocks_ in (lines(fact, zone_name) for fact in message.facts)]
    kept: list[str] = []
    for text in short:
        tail = "\n".join(_more(total - len(kept) - 1, external_url))
        if len("\n".join([head, *kept, text, tail])) > most:
            break
        kept.append(text)
    text = "\n".join([head, *kept, *_more(total - len(kept), external_url)])
    return text if len(text) <= most else text[: most - 1] + "…"


def summary(message: Message) -> str:
    """How many there are of what.

    >>> summary(Message(kind="mixed", at=0.0, firing=2, resolved=1))
    '2 alerts firing, 1 resolved'
    """
    if message.note and not message.facts:
        return message.note
    firing = f"{message.firing} alert{'s' if message.firing != 1 else ''} firing" if message.firing else ""
    resolved = f"{message.resolved} {'' if firing else 'alerts ' if message.resolved > 1 else 'alert '}resolved"
    return ", ".join(filter(None, [firing, resolved if message.resolved else ""])) or message.subject


def _more(count: int, external_url: str) -> list[str]:
    if count <= 0:
        return []
    where = f": {external_url.rstrip('/')}/alerts" if external_url else ""
    return [f"and {count} more{where}"]
