"""Registries: what one test registers is gone when the next begins."""

from __future__ import annotations

from typing import ClassVar

import pytest

from ganbench.evaluation.metrics.base import Direction
from ganbench.plugin import METRICS, Features, Metric, Reference, register


@pytest.mark.parametrize("time", ["first", "second"])
def test_component_registered_by_one_test_is_unknown_to_the_next(time: str) -> None:
    assert "passing" not in METRICS, f"the {time} test meets a component of another"

    @register(METRICS, "passing")
    class Passing(Metric):
        """Nothing (nobody)."""

        direction: ClassVar[Direction] = "higher"

        def __call__(self, *, fake: Features, real: Reference) -> float:
            return 0.0

    assert "passing" in METRICS
