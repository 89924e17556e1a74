"""The examples in the benchmark's docstrings."""

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize("module", ["coverage", "generator", "questions", "table"])
def test_examples_are_true(module: str) -> None:
    done = doctest.testmod(import_module(f"benchmarks.{module}"))
    assert done.attempted
    assert not done.failed
