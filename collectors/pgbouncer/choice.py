"""Which of many are shown, when there may be only so many series."""

from collections.abc import Hashable, Mapping
from heapq import nlargest
from typing import Generic, TypeVar

from collectors.newcomers import Newcomers

FADE = 0.9
"""What is left of a claim after each look: what was busy stays for a while."""

K = TypeVar("K", bound=Hashable)


class Choice(Generic[K]):
    """The busiest so many, with a memory, so that the choice does not flutter; of ever new ones not all.

    >>> two = Choice(2)
    >>> sorted(two.choose({"a": 9, "b": 5, "c": 1})), sorted(two.choose({"a": 0, "b": 5, "c": 6}))
    (['a', 'b'], ['a', 'b'])
    """

    def __init__(self, most: int) -> None:
        """Nothing has a claim yet."""
        self.most = most
        self._claims: dict[K, float] = {}
        self._newcomers: Newcomers[K] = Newcomers(most)

    def choose(self, busy: Mapping[K, float]) -> set[K]:
        """Those to show; of equals, always the same ones."""
        if len(busy) <= self.most:
            self._claims = dict(busy)
            if self._newcomers.has(busy.keys()):
                return set(busy)
            return self._newcomers.let_in(sorted(busy, key=lambda key: (-busy[key], str(key))))
        before = self._claims
        claims = {key: value + FADE * before.get(key, 0.0) for key, value in busy.items()}
        self._claims = claims
        largest = nlargest(self.most, zip(claims.values(), map(str, claims), claims, strict=True))
        shown = [name for _, _, name in largest]
        return set(shown) if self._newcomers.has(set(shown)) else self._newcomers.let_in(shown)
