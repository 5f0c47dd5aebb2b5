"""Training in bfloat16: close to float32, with everything that needs precision kept in float32."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ganbench.methods.losses import LOSSES
from ganbench.methods.penalties import PENALTIES
from ganbench.methods.wrappers import WRAPPERS
from ganbench.spec.run_spec import resolve
from ganbench.training.trainer import train
from tests.conftest import random_data, small_spec
from tests.training.test_trainer import ARCHS_TRIED, CPU

pytestmark = pytest.mark.usefixtures("one_thread")

PARTS: list[dict[str, Any]] = [
    *({"loss": {"name": name}} for name in LOSSES),
    *({"penalty": [{"name": name}]} for name in PENALTIES),
    *({"wrapper": [{"name": name}]} for name in WRAPPERS),
    {"train": {"unrolled": 2}},
]


@pytest.mark.parametrize("seeds", [(3,), (3, 4)])
@pytest.mark.parametrize("arch", ARCHS_TRIED)
@pytest.mark.parametrize("part", PARTS, ids=lambda part: str(next(iter(part.values()))))
def test_first_step_in_bf16_is_close_to_float32(part: dict[str, Any], arch: str, seeds: tuple[int, ...]) -> None:
    """Losses, outputs and gradient norms are close; weights and moments stay float32."""
    base = small_spec().to_dict() | {"arch": ARCHS_TRIED[arch]}
    options = {**base["train"], **part.get("train", {}), "steps": 1}
    snapshots = {}
    for precision in ("float32", "bf16"):
        spec = resolve({**base, "penalty": [], **part, "train": {**options, "precision": precision}})
        *_, snapshot = train(spec, seeds, random_data(), CPU, every=1)
        kinds = {tensor.dtype for tensor in snapshot.state.tensors().values() if tensor.is_floating_point()}
        assert kinds == {torch.float32}
        snapshots[precision] = snapshot
    for name, values in snapshots["float32"].statistics.items():
        torch.testing.assert_close(snapshots["bf16"].statistics[name], values, rtol=0.05, atol=0.03)


def test_bf16_changes_results_and_run_id() -> None:
    specs = [small_spec(train={"steps": 3, "precision": precision}) for precision in ("float32", "bf16")]
    assert specs[0].run_id(0) != specs[1].run_id(0)
    a, b = (list(train(spec, (0,), random_data(), CPU, every=3))[-1].state.tensors() for spec in specs)
    assert any(not torch.equal(a[name], b[name]) for name in a)
