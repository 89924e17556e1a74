"""What was judged becomes samples of a store of its own, whose one writer is the judge."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from alerts.judge import Judgement
from alerts.machine import ALARMED
from metrics.judged import FIRING, LABEL, MET, PART, SPENT, VALUE, VOLUME, WHOLE
from metrics.model import SOURCE, Labels, Sample, labelled
from metrics.poll import Poll, Tier
from metrics.target import State
from storage.store import Reader

FOLDER = "judged"
"""Below the data folder: the second file of the same store."""

Key = tuple[str, str, Labels, str]


class Record:
    """Turns judgements into polls. Time in each state is a counter, so that a day's share is a difference of sums."""

    def __init__(self, before: Reader | None = None) -> None:
        """``before``: what was recorded until now, from which the counters go on."""
        self._spent: dict[Key, float] = {}
        for metric, labels, _, value in before.latest() if before else ():
            if metric == SPENT.name:
                self._spent[_key(dict(labels))] = value

    def polls(self, judgements: Iterable[Judgement]) -> Iterator[Poll]:
        """One for each source, tier and moment."""
        groups: dict[tuple[str, str, float], list[Judgement]] = defaultdict(list)
        for each in judgements:
            groups[each.source, each.tier or str(Tier.FAST), each.judged.at].append(each)
        for (source, tier, at), found in groups.items():
            samples = [sample for each in found for sample in self._samples(each)]
            yield Poll(source=source, tier=Tier(tier), at=at, duration=0.0, up=True, samples=samples)

    def _samples(self, each: Judgement) -> Sequence[Sample]:
        labels = labelled({**dict(each.labels), LABEL: each.rule})
        judged = each.judged
        found = [
            Sample(metric.name, labels, value)
            for metric, value in (
                (VALUE, judged.value),
                (PART, judged.part),
                (WHOLE, judged.whole),
                (VOLUME, judged.volume),
            )
            if value is not None
        ]
        if judged.state is not State.UNKNOWN:
            found.append(Sample(MET.name, labels, float(judged.state is State.MET)))
        found.append(Sample(FIRING.name, labels, float(each.phase in ALARMED)))
        for state in State:
            key = each.rule, each.source, each.labels, str(state)
            self._spent[key] = self._spent.get(key, 0.0) + (each.spent if judged.state is state else 0.0)
            with_state = labelled({**dict(labels), "state": str(state)})
            found.append(Sample(SPENT.name, with_state, self._spent[key]))
        return found


def _key(labels: dict[str, str]) -> Key:
    own = {name: value for name, value in labels.items() if name not in (LABEL, SOURCE, "state")}
    return labels.get(LABEL, ""), labels.get(SOURCE, ""), labelled(own), labels.get("state", "")
