"""What subjects are called where they stand together: no more of their labels than tells them apart."""

from collections.abc import Iterable

from metrics.model import Subject

ALL_OTHERS = "all others"
_REST = "(rest"
"""How the labels of a row begin that is the sum of all rows which collectors do not show: "(rest)", "(rest, small)"."""


def is_rest(subject: Subject) -> bool:
    """Whether it is the sum of others: none of them, so nobody to blame.

    >>> is_rest(Subject("main", (("table", "(rest, small)"),))), is_rest(Subject("main", (("table", "orders"),)))
    (True, False)
    """
    return any(value.startswith(_REST) for _, value in subject.labels)


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


def whom(subject: Subject) -> str:
    """A subject by its source and labels; of the sum of others, as words, once.

    >>> whom(Subject("main", (("schema", "(rest, small)"), ("table", "(rest, small)"))))
    'main all other small ones'
    >>> whom(Subject("main", (("database", "shop"), ("user", "(rest)")))), whom(Subject("main", (("db", "a"),)))
    ('main shop all others', 'main a')
    """
    if not is_rest(subject):
        return str(subject)
    return " ".join(dict.fromkeys([subject.source, *(_spoken(value) for _, value in subject.labels)]))


def others(subject: Subject) -> str:
    """What a sum of others is called beside them."""
    return " ".join(dict.fromkeys(_spoken(value) for _, value in subject.labels if value.startswith(_REST)))


def _spoken(value: str) -> str:
    if not value.startswith(_REST):
        return value
    return "all other small ones" if "small" in value else ALL_OTHERS
