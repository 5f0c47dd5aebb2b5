"""The generator's weights at the evaluation where a metric was best, kept beside those that a run ends with.

They are part of the checkpoint, as is the record of where and how good they were: a resumed run knows both.
"""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.core.formatting import listed, number, seeds_in_words
from ganbench.core.mode_words import without_noun
from ganbench.evaluation.metrics import Direction
from ganbench.evaluation.protocols import Case
from ganbench.runs.checkpoint_record import CheckpointRecord
from ganbench.spec.run_spec import RunSpec
from ganbench.tracking import RunLog
from ganbench.tracking.metric_names import MetricName

PREFIX = "best"
"""First part of the names of these weights in a checkpoint."""


def parse_keep(text: str, spec: RunSpec) -> str:
    """The metric of `best:METRIC`.

    Raises:
        GanbenchError: it is written otherwise, or the spec's protocol doesn't measure it during training.
    """
    match = re.fullmatch(r"best:(\w+)", text)
    if match is None:
        raise GanbenchError(f"keep '{text}' should read best:METRIC, as in best:fid")
    metric = without_noun(match[1], spec.case.quick)
    if metric not in spec.case.quick:
        raise GanbenchError(
            f"'{metric}' is not measured during training under {spec.protocol_label}, so its best evaluation isn't "
            f"known: choose {listed(spec.case.quick)}"
        )
    return metric


class BestWeights:
    """The best evaluation of each seed so far, by a metric; none if no metric is kept.

    Args:
        metric: the metric; empty for none, or for that of an interrupted run.
        case: the protocol's settings, which say what is better.
        record: where it was best so far, and by which metric.
        tensors: those of the checkpoint.

    Raises:
        GanbenchError: the seeds have been evaluated without keeping the best by this metric.
    """

    def __init__(self, metric: str, case: Case, record: CheckpointRecord, tensors: Mapping[str, Tensor]) -> None:
        if metric and record.history and metric != record.keep:
            before = f"with keep best:{record.keep}" if record.keep else "without keep"
            raise GanbenchError(
                f"training of {seeds_in_words(record.seeds)} was begun {before}, so the best evaluation by '{metric}' "
                f"is not known: resume it like that, or repeat it with the option 'force'"
            )
        record.keep = metric or record.keep
        self._record = record
        self._direction: Direction | None = case.metrics[record.keep].direction if record.keep else None
        self._weights: dict[str, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            prefix, _, rest = name.partition("/")
            if prefix == PREFIX:
                seed, _, own = rest.partition("/")
                self._weights.setdefault(seed, {})[own] = tensor

    def offer(self, seed: int, numbers: Mapping[str, float], weights: Callable[[], Mapping[str, Tensor]]) -> None:
        """Keep the weights of a seed at the record's step if they are its best.

        Args:
            numbers: those of the evaluation, by tracked name.
            weights: makes the weights, which takes a pass of the generator: called only if they are kept.
        """
        if self._direction is None:
            return
        metric, best = self._record.keep, self._record.best
        value = numbers[str(MetricName("quick", metric))]
        loss = _loss(value, self._direction, numbers[str(MetricName("quick", metric, "floor"))])
        if loss < best.get(str(seed), {}).get("loss", math.inf):
            best[str(seed)] = {"step": self._record.step, "value": value, "loss": loss}
            self._weights[str(seed)] = {name: tensor.detach().cpu().clone() for name, tensor in weights().items()}

    def tensors(self) -> dict[str, Tensor]:
        """The weights by name, for the checkpoint."""
        return {
            f"{PREFIX}/{seed}/{name}": tensor
            for seed, weights in self._weights.items()
            for name, tensor in weights.items()
        }

    def track(self, log: RunLog, seed: int) -> None:
        """Track the best weights of a seed, if there are any."""
        best = self._record.best.get(str(seed))
        if best is None:
            return
        facts = {"seed": str(seed), "step": str(int(best["step"])), self._record.keep: repr(best["value"])}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "best.safetensors"
            save_file(self._weights[str(seed)], path, metadata=facts)
            log.file(path, "checkpoint")

    def in_words(self, seed: int) -> str:
        """The best evaluation of a seed in words; empty if there is none."""
        best = self._record.best.get(str(seed))
        return f"best {self._record.keep} {number(best['value'])} at step {int(best['step']):,}" if best else ""


def _loss(value: float, direction: Direction, floor: float) -> float:
    """A value of a metric as a loss: the lower the better; NaN if the value is."""
    return {"lower": value, "higher": -value, "real": abs(value - floor)}[direction]
