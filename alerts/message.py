"""What a message says, before any channel gives it its form. Kept as JSON until it is sent."""

from msgspec import Struct


class Fact(Struct, frozen=True, kw_only=True):
    """One incident in a message, in words and numbers as the pages write them.

    state     firing, repeat, resolved or lost
    title     the rule's, such as "Hit rate"
    subject   the source, with what the value speaks of: "cache", "pooler shop"
    value, bound  as the page formats them: "61.2 %", "≥ 80 %"
    since     seconds of the epoch; lasted: seconds, of one that is over
    meaning, advice  one sentence each
    worst     the worst offenders of that very window, each a line
    beside    what coincided: deploys, changes, restarts, load tests, each a line
    path      the page at that time, below external_url
    silence_path  where it can be silenced
    """

    incident: int
    state: str
    severity: str
    rule: str
    title: str
    source: str
    subject: str
    value: str
    bound: str
    since: float
    lasted: float | None = None
    window: float = 0.0
    meaning: str = ""
    advice: str = ""
    reason: str = ""
    worst: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    path: str = ""
    silence_path: str = ""
    flapping: bool = False
    silenced: bool = False


class Message(Struct, frozen=True, kw_only=True):
    """One message for one channel.

    kind    firing, repeat, resolved, mixed, escalation, test, impaired
    facts   firing before resolved, the most severe first; ``total`` may be more: then only the worst are here
    at      when it was made
    note    a sentence for what is no incident: a test, or trouble of Trivet's own
    chart   a small chart of the first fact as base64 of a PNG; empty when there is none
    """

    kind: str
    at: float
    facts: tuple[Fact, ...] = ()
    firing: int = 0
    resolved: int = 0
    note: str = ""
    chart: str = ""

    @property
    def subject(self) -> str:
        """Short and without values: what is it about?

        >>> Message(kind="impaired", at=0.0, note="The disk is full.").subject
        'Trivet: trouble of its own'
        """
        if self.kind == "test":
            return "Trivet: a test"
        if not self.facts:
            return "Trivet: trouble of its own"
        first = self.facts[0]
        state = "resolved" if not self.firing else "repeat" if self.kind == "repeat" else first.severity
        more = self.firing + self.resolved - 1
        return f"[{state}] {first.subject}: {first.title}" + (f" and {more} more" if more > 0 else "")
