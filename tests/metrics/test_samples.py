"""Samples in runs are the same samples."""

from hypothesis import given
from hypothesis import strategies as st

from metrics.model import Sample
from metrics.samples import Keys, Samples

SAMPLES = st.lists(st.builds(Sample, st.sampled_from(["a", "b"]), st.just((("l", "v"),)), st.floats(allow_nan=False)))


@given(st.lists(SAMPLES, max_size=5))
def test_however_they_are_added_they_are_the_same(parts: list[list[Sample]]) -> None:
    flat = [sample for part in parts for sample in part]
    one, whole = Samples(), Samples(flat)
    for at, part in enumerate(parts):
        if at % 2:
            one += part
        else:
            for sample in part:
                one.append(sample)
    assert list(one) == list(whole) == flat
    assert one == whole == flat
    assert list(one.series()) == [sample[:2] for sample in flat]
    assert len(one) == len(flat)
    assert one[1:] == flat[1:]


def test_a_copy_grows_by_itself() -> None:
    first = Samples([Sample("a", (), 1.0)])
    second = Samples(first)
    second.put(Keys(("b",), ((),)), [2.0])
    assert (len(first), len(second)) == (1, 2)
    first.clear()
    assert list(second) == [Sample("a", (), 1.0), Sample("b", (), 2.0)]
