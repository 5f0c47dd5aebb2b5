"""The sanity checks: their shapes, their families, and the agreement of a run with what the paper found."""

from __future__ import annotations

import pytest
import torch

from ganbench.cli.console.sanity import show_checks
from ganbench.core.seeding import stream
from ganbench.evaluation.sanity_checks import CHECKS, NOT_RUN, ROLES, run_checks
from ganbench.evaluation.sanity_families import mode_dropping, sphere
from ganbench.evaluation.sanity_shapes import (
    Criterion,
    bell,
    either,
    falling,
    falling_early,
    flat,
    near,
    rising,
    settles,
    value_at,
)

BELL = [(-1.0, 0.0), (0.0, 1.0), (1.0, 0.05)]
UP = [(0.0, 0.1), (1.0, 0.5), (2.0, 0.9)]
DOWN = [(0.0, 0.9), (1.0, 0.5), (2.0, 0.1)]
LATE = [(0.0, 0.9), (1.0, 0.9), (2.0, 0.1)]
LEVEL = [(0.0, 0.5), (1.0, 0.52), (2.0, 0.54)]
SETTLED = [(1.0, 0.1), (2.0, 0.5), (3.0, 0.52)]


@pytest.mark.parametrize(
    ("criterion", "met", "not_met"),
    [
        (bell(0.0), BELL, UP),
        (rising(), UP, DOWN),
        (falling(), DOWN, UP),
        (falling_early(0.5), DOWN, LATE),
        (flat(), LEVEL, UP),
        (settles(), SETTLED, UP),
        (either(rising(), flat()), LEVEL, DOWN),
        (value_at(1.0, near(0.5)), UP, BELL),
    ],
)
def test_shapes(criterion: Criterion, met: list[tuple[float, float]], not_met: list[tuple[float, float]]) -> None:
    assert criterion(met)
    assert not criterion(not_met)


def test_families_have_the_stated_distributions() -> None:
    fake, real = sphere(16, 1.9, stream(0, "planted"))
    assert torch.allclose(fake.norm(dim=1), torch.tensor(1.9))
    assert torch.allclose(real.norm(dim=1), torch.tensor(1.0))
    fake, real = mode_dropping(1, 9, stream(0, "planted"), at_once=False)
    assert fake.max() < 1
    assert real.max() > 9


def test_checks_are_the_papers() -> None:
    assert len({check.name.split(" (")[0] for check in CHECKS} | set(NOT_RUN)) == 15


def test_recall_is_high_where_nothing_is_real() -> None:
    """The paper's clearest failure: a smaller real sphere lies inside the balls of a larger generated one."""
    (check,) = [check for check in CHECKS if check.name == "uniform-hypersphere-surface"]
    results = run_checks(lambda line: None, [check])
    passes = {(result.metric, result.criterion): result.passed == result.of for result in results}
    assert {metric for metric, _ in passes} <= set(ROLES)
    assert not passes["recall", "larger: 0"]
    assert not passes["precision", "smaller: 0"]
    table = show_checks(results, "table")
    assert max(map(len, table.splitlines())) <= 80
    assert "| uniform-hypersphere-surface | larger: 0 |" in show_checks(results, "markdown")
