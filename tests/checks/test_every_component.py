"""All checks of every component, built in or from `--plugin FILE`."""

from __future__ import annotations

import pytest

from ganbench.checks import CHECKS, Check
from ganbench.checks.training import CPU
from ganbench.methods.losses import LOSSES
from ganbench.spec.registries import REGISTRIES
from ganbench.training.trainer import train
from tests.conftest import random_data, small_spec

pytestmark = pytest.mark.usefixtures("one_thread")

ALL = [
    pytest.param(kind, name, check, id=f"{kind}-{name}-{check.name}")
    for kind, registry in REGISTRIES.items()
    for name in registry
    for check in CHECKS[kind]
]


@pytest.mark.parametrize(("kind", "name", "check"), ALL)
def test_component_passes_check(kind: str, name: str, check: Check) -> None:
    result = check.run(REGISTRIES[kind].create({"name": name}))
    assert result is None or result.problem is None, f"{check.statement}: {name}: {result.problem}"


def test_every_kind_has_several_checks_with_distinct_statements() -> None:
    assert all(len({check.statement for check in checks}) == len(checks) > 2 for checks in CHECKS.values())


@pytest.mark.parametrize("loss", list(LOSSES))
def test_every_loss_trains_on_images(loss: str) -> None:
    """With its full recipe; a check already covers training on points."""
    last = list(train(small_spec(loss={"name": loss}, train={"steps": 2}), (0, 1), random_data(), CPU, every=1))[-1]
    assert last.step == 2
    assert all(values.shape == (2,) and values.isfinite().all() for values in last.statistics.values())
