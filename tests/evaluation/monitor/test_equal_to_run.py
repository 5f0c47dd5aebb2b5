"""A monitor has the numbers and events that `ganbench run` has for the same samples, to the last bit."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

import ganbench
from ganbench.core.verdict_word import word_of
from ganbench.data import Data
from ganbench.evaluation.score_samples import kept_scorer, set_up
from ganbench.evaluation.scorer import Scores
from ganbench.runs import run
from ganbench.runs.job import Job
from ganbench.runs.seed_scorer import SeedEvaluation, SeedScorer
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.tracking.memory import MemoryRunLog, MemoryTracker
from ganbench.training.trainer import Snapshot

pytestmark = pytest.mark.usefixtures("one_thread")

SAMPLES, STEPS, SEED = 500, 400, 3


class Observer:
    def begin(self, seeds: Sequence[int], step: int) -> None: ...
    def progress(self, snapshot: Snapshot) -> None: ...
    def scored(self, step: int, scores: Mapping[int, Scores]) -> None: ...
    def say(self, line: str) -> None: ...


class Seen(NamedTuple):
    """What a run's detector was shown at an evaluation."""

    step: int
    samples: Tensor
    critic: tuple[float, float]


class Trained(NamedTuple):
    spec: RunSpec
    data: Data
    log: MemoryRunLog
    seen: list[Seen]

    @property
    def events(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(self.log.files["timeline/timeline.json"])["events"]
        return found

    def numbers(self, step: int, prefix: str) -> dict[str, float]:
        """The tracked numbers of a kind at a step, without the prefix of the kind."""
        return {
            name.removeprefix(prefix): value
            for (name, at), value in self.log.numbers.items()
            if at == step and name.startswith(prefix)
        }


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A generator of ring points that finds some modes and loses others, and the very samples that were evaluated."""
    spec = resolve(
        {
            "dataset": {"name": "ring"},
            "loss": {"name": "minimax"},
            "arch": {"name": "mlp", "generator_widths": [32, 32], "critic_widths": [32, 32]},
            "train": {"steps": STEPS, "batch_size": 64, "n_generator": 5},
            "evaluation": {"every": 40, "samples": SAMPLES, "quick_samples": SAMPLES},
        }
    )
    device, seen = torch.device("cpu"), list[Seen]()
    score = SeedScorer.score

    def spy(
        self: SeedScorer, snapshot: Snapshot, row: int, seed: int, statistics: Mapping[str, float]
    ) -> SeedEvaluation:
        critic = (statistics["critic_real"], statistics["critic_fake"])
        seen.append(Seen(snapshot.step, snapshot.sample(row, SAMPLES), critic))
        return score(self, snapshot, row, seed, statistics)

    data, tracker = spec.dataset.load(device), MemoryTracker()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SeedScorer, "score", spy)
        job = Job(spec, (SEED,), device, tmp_path_factory.mktemp("checkpoints"))
        run.run(job, data, tracker, Observer(), threading.Event())
    return Trained(spec, data, tracker.runs[spec.run_id(SEED)], seen)


def monitor() -> ganbench.Monitor:
    return ganbench.Monitor(dataset="ring", samples=SAMPLES, steps=STEPS, device="cpu")


def test_events_and_numbers_are_those_of_the_run(trained: Trained) -> None:
    watch = monitor()
    assert len(trained.seen) == 10
    for step, samples, (real, fake) in trained.seen:
        numbers = watch(step, samples, d_real=real, d_fake=fake)
        scores = trained.numbers(step, "quick/")
        kept = {
            name: value
            for name, value in scores.items()
            if name != "sample_count" and not name.startswith(("floor_sd/", "ceiling/"))
        }
        assert {name: numbers[name] for name in kept} == kept, "to the last bit"
        assert {"modes", "floor/modes", "near_duplicates", "mode/0", "good/0"} <= set(kept)
        assert {name: value for name, value in numbers.items() if name.startswith("event/")} == {
            f"event/{kind}": severity for kind, severity in trained.numbers(step, "event/").items()
        }
    events = [
        {"step": event.step, "kind": event.kind, "severity": event.severity, "words": event.words}
        for event in watch.events
    ]
    assert events == trained.events
    assert len({event["kind"] for event in events}) >= 2, "a run without events would show nothing"
    verdict = {name: value for name, value in trained.numbers(STEPS, "verdict/").items() if "/" not in name}
    assert {name: numbers[f"verdict/{name}"] for name in verdict} == verdict


def test_arrays_of_any_kind_give_the_same_record(trained: Trained) -> None:
    class Foreign:
        """An array of another framework, as NumPy sees it."""

        def __init__(self, tensor: Tensor) -> None:
            self._tensor = tensor

        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray[tuple[int, ...], np.dtype]:
            return self._tensor.numpy()

    states = []
    for convert in (Tensor.clone, Tensor.numpy, Tensor.double, Foreign, lambda tensor: tensor.clone().requires_grad_()):
        watch = monitor()
        for step, samples, (real, fake) in trained.seen[:3]:
            watch(step, convert(samples), d_real=torch.full((4,), real).double(), d_fake=np.float64(fake))
        states.append(watch.state_dict())
    assert all(state == states[0] for state in states[1:])


def test_a_restored_monitor_goes_on_as_if_nothing_had_happened(trained: Trained, tmp_path: Path) -> None:
    whole = monitor()
    for step, samples, (real, fake) in trained.seen:
        whole(step, samples, d_real=real, d_fake=fake)
    for stopped_after in (0, 1, 5, 9):
        first = monitor()
        for step, samples, (real, fake) in trained.seen[:stopped_after]:
            first(step, samples, d_real=real, d_fake=fake)
        (tmp_path / "state.json").write_text(json.dumps(first.state_dict(), allow_nan=False))
        second = monitor()
        second.load_state_dict(json.loads((tmp_path / "state.json").read_text()))
        for step, samples, (real, fake) in trained.seen[stopped_after:]:
            second(step, samples, d_real=real, d_fake=fake)
        assert second.state_dict() == whole.state_dict()
        assert (second.events, second.summary()) == (whole.events, whole.summary())


def test_the_verdict_is_that_of_the_protocol(trained: Trained) -> None:
    watch = monitor()
    last = trained.seen[-1]
    watch(last.step, last.samples)
    scorer = kept_scorer(*set_up("ring", "ganbench-2"), torch.device("cpu")).scorer
    verdict = scorer.beside_real.verdict(scorer.evaluator(last.samples))
    assert watch.summary().startswith(f"{word_of(verdict)} at step {STEPS}: {verdict.clauses()[0]}; ")
