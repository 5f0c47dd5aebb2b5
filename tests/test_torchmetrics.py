"""Classes of torchmetrics: the contract of its metrics, and the sync over processes."""

from __future__ import annotations

import copy
import pickle
from contextlib import AbstractContextManager
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench import metrics
from ganbench.core.errors import GanbenchError

pytest.importorskip("torchmetrics")

from torchmetrics import MetricCollection

import ganbench.torchmetrics as ours

pytestmark = pytest.mark.usefixtures("one_thread")

OF_VECTORS = {
    "Coverage": metrics.coverage,
    "Density": metrics.density,
    "Fid": metrics.fid,
    "Kid": metrics.kid,
    "NearDuplicates": metrics.near_duplicates,
    "Precision": metrics.precision,
    "Recall": metrics.recall,
}
FAKE, REAL = (torch.randn(120, 4, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
LABELS = torch.tensor([0] * 60 + [1] * 59 + [2])
REAL_LABELS = torch.arange(4).repeat(30)


def make(name: str, **options: Any) -> Any:
    return getattr(ours, name)(**({"modes": 4} if name == "ModeCoverage" else {}), **options)


def data(name: str) -> tuple[Tensor, Tensor]:
    return (LABELS, REAL_LABELS) if name == "ModeCoverage" else (FAKE, REAL)


def expected(name: str) -> float:
    if name == "ModeCoverage":
        return 0.5
    return OF_VECTORS[name](fake=FAKE, real=REAL)


def filled(name: str) -> Any:
    """The metric after batches of unequal sizes, real ones in another order of calls."""
    metric, (fake, real) = make(name), data(name)
    metric.update(real=real[:50])
    metric.update(fake[:70], real=real[50:])
    metric.update(fake[70:])
    return metric


def before_update() -> AbstractContextManager[Any]:
    """Expect torchmetrics' own warning that there was no update."""
    return pytest.warns(UserWarning, match="called before the ``update``")


by_name = pytest.mark.parametrize("name", [*ours.__all__])


def test_every_class_is_tested_here() -> None:
    assert {*ours.__all__} == {*OF_VECTORS, "ModeCoverage"}


@by_name
def test_batches_give_the_number_of_the_function(name: str) -> None:
    value = filled(name).compute()
    assert value.ndim == 0
    assert float(value) == float(torch.tensor(expected(name)))


@by_name
def test_metrics_can_be_pickled_copied_and_reset(name: str) -> None:
    metric = filled(name)
    for other in (pickle.loads(pickle.dumps(metric)), copy.deepcopy(metric), metric.clone()):
        assert other.compute() == metric.compute()
    metric.reset()
    with pytest.raises(GanbenchError, match="no generated samples yet"), before_update():
        metric.compute()
    metric.update(data(name)[0])
    with pytest.raises(GanbenchError, match="no real samples yet"):
        metric.compute()


@by_name
def test_forward_returns_the_number_of_the_batch_and_keeps_all(name: str) -> None:
    metric, (fake, real) = make(name), data(name)
    of_batch = make(name)
    of_batch.update(fake[:60], real=real[:60])
    assert metric(fake[:60], real=real[:60]) == of_batch.compute()
    metric(fake[60:], real=real[60:])
    assert float(metric.compute()) == float(torch.tensor(expected(name)))


@by_name
def test_state_can_be_saved_and_merged(name: str) -> None:
    metric = filled(name)
    metric.persistent(True)
    restored = make(name)
    restored.persistent(True)
    restored.load_state_dict(metric.state_dict())
    with before_update():
        assert restored.compute() == metric.compute()
    fake, real = data(name)
    first, second = make(name), make(name)
    first.update(fake[:60], real=real[:60])
    second.update(fake[60:], real=real[60:])
    second.merge_state(first)  # states of the argument come first
    assert float(second.compute()) == float(torch.tensor(expected(name)))


def test_collections_and_options() -> None:
    together = MetricCollection([ours.Coverage(k=3), ours.Recall(), ours.Kid(samples=60)])
    together.update(FAKE, real=REAL)
    values = together.compute()
    assert float(values["Coverage"]) == float(torch.tensor(metrics.coverage(fake=FAKE, real=REAL, k=3)))
    assert float(values["Recall"]) == float(torch.tensor(metrics.recall(fake=FAKE, real=REAL)))
    assert float(values["Kid"]) == float(torch.tensor(metrics.kid(fake=FAKE, real=REAL, samples=60)))


def test_samples_of_other_kinds_are_refused() -> None:
    nonsense: Any = True  # what torchmetrics' own FID takes
    with pytest.raises(GanbenchError, match="real must be a tensor, not True"):
        ours.Coverage().update(REAL, real=nonsense)
    metric = ours.Coverage()
    metric.update(FAKE, real=REAL)
    metric.update(FAKE[:, :3])
    with pytest.raises(GanbenchError, match="equal shapes"):
        metric.compute()


@by_name
def test_two_processes_have_the_number_of_all_samples(name: str) -> None:
    """The second process has other batches; torchmetrics' exchange of states is replaced by one that knows them."""
    fake, real = data(name)
    there = iter((fake[60:], real[60:]))
    here = make(name, dist_sync_fn=lambda state, group: [state, next(there)], distributed_available_fn=lambda: True)
    here.update(fake[:40], real=real[:60])
    here.update(fake[40:60])
    assert float(here.compute()) == float(torch.tensor(expected(name)))
    assert [len(part) for part in here.fake] == [40, 20], "after the sync, a process has its own samples again"
