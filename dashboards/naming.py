"""What subjects are called where they stand together: no more of their labels than tells them apart."""

from collections.abc import Iterable

from metrics.model import Subject


def shortened(subjects: Iterable[Subject]) -> dict[Subject, str]:
    """Names without the source and the labels that all have in common; of a single subject, nothing.

    >>> a = Subject("main", (("database", "shop"), ("table", "orders")))
    >>> b = Subject("main", (("database", "shop"), ("table", "")))
    >>> list(shortened([a, b]).values()), list(shortened([a]).values())
    (['orders', '–'], [''])
    """
    found = list(dict.fromkeys(subjects))
    parts = {subject: (subject.source, *(value for _, value in subject.labels)) for subject in found}
    longest = max((len(part) for part in parts.values()), default=0)
    apart = [i for i in range(longest) if len({part[i : i + 1] for part in parts.values()}) > 1]
    return {subject: " ".join(part[i] or "\u2013" for i in apart if i < len(part)) for subject, part in parts.items()}
