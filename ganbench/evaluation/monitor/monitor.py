"""The monitor of a training loop: it measures samples, detects collapse, and keeps the record of both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ganbench.core.device import find_device
from ganbench.core.errors import GanbenchError
from ganbench.core.verdict_word import word_of
from ganbench.data import Dataset
from ganbench.evaluation.bare_arrays import all_finite, as_array
from ganbench.evaluation.collapse_detector import Event
from ganbench.evaluation.extractor import extractor_of
from ganbench.evaluation.history import events_in
from ganbench.evaluation.monitor.base import RealData
from ganbench.evaluation.monitor.critic import critic_means
from ganbench.evaluation.monitor.image_features import ImageFeatures
from ganbench.evaluation.monitor.named_data import NamedData
from ganbench.evaluation.monitor.record import Record, Row, is_whole_number, plain_integer
from ganbench.evaluation.monitor.sinks import Sink, sinks_for
from ganbench.evaluation.monitor.vectors import Vectors
from ganbench.evaluation.observation import Observation

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Monitor:
    """A collapse alarm for any training loop: give it samples now and then, and ask whether they collapsed.

    The numbers and events are those that `ganbench run` has for the same samples. Setting it up, and the first call,
    take up to half a minute for images; later calls take a few seconds.

    Args:
        dataset: name of the data set that the generator imitates, with options as in "ring:radius=2".
        real: instead of it, real vectors, float [N, d], for instance features that a network of yours has of real
            images; samples are then given in the same form. Coverage, precision, recall, density, near-duplicates and
            copies are compared with those of real vectors. With `features`, real images.
        labels: whole numbers [N], the modes of the real vectors; without them, modes aren't known.
        features: for real images, the network whose features are compared: a `torch.nn.Module` or the path of an ONNX
            file, from float32 [B, C, H, W] in [−1, 1] to [B, d].
        protocol: name of the protocol, by default the data set's.
        samples: number of samples to measure each time, 2,000 by default; if more are given, they are drawn from them.
        metrics: metrics to compute each time, as in `["fid", "coverage"]`; by default the protocol's cheap ones. For
            vectors, metrics besides the cheap ones. Events and verdict don't depend on them.
        steps: planned length of training. Without it, what was never reached is no event, only what was lost.
        patience: number of consecutive calls with the verdict COLLAPSED after which `collapsed` is true.
        pixel_range: range of float images: "0..1", "-1..1" or "0..255". Without it, the first images decide, and
            must leave no doubt.
        clip: whether to clip pixels outside that range.
        mlflow: whether to log the numbers to the active run of MLflow.
        tensorboard: a `SummaryWriter` to add the numbers to.
        sinks: further functions that are given the step and its numbers.
        device: device that measures.

    Raises:
        GanbenchError: an unknown name, an impossible number, or no active run of MLflow.
    """

    def __init__(
        self,
        dataset: str | None = None,
        *,
        real: object = None,
        labels: object = None,
        features: object = None,
        protocol: str | None = None,
        samples: int | None = None,
        metrics: Sequence[str] | None = None,
        steps: int | None = None,
        patience: int = 5,
        pixel_range: str | None = None,
        clip: bool = False,
        mlflow: bool = False,
        tensorboard: object | None = None,
        sinks: Sequence[Sink] = (),
        device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    ) -> None:
        samples, steps, patience = map(plain_integer, (samples, steps, patience))
        for name, count in (("samples", samples), ("steps", steps), ("patience", patience)):
            if count is not None and not (is_whole_number(count) and count >= 1):
                raise GanbenchError(f"{name} must be a whole number from 1, not {count!r}")
        self._sinks = sinks_for(mlflow, tensorboard, sinks)
        self._steps = math.inf if steps is None else steps
        self._patience = patience
        torch_device = find_device(device)
        if (dataset is None) == (real is None):
            raise GanbenchError("say what the generator imitates: either dataset=, a name, or real=, vectors or images")
        self._real: RealData
        if real is None and not (labels is None and features is None):
            raise GanbenchError("labels= and features= are those of real vectors or images: give real=, too")
        if dataset is not None:
            chosen = Dataset.protocol if protocol is None else protocol
            self._real = NamedData(dataset, chosen, samples, metrics, pixel_range, clip, torch_device)
        else:
            if protocol is not None or (features is None and (pixel_range is not None or clip)):
                raise GanbenchError("vectors have no protocol, pixel_range or clip: leave them out")
            self._real = (
                Vectors(real, samples, torch_device, metrics or (), labels)
                if features is None
                else ImageFeatures(
                    real,
                    extractor_of(features),
                    samples,
                    torch_device,
                    metrics or (),
                    labels,
                    pixel_range=pixel_range,
                    clip=clip,
                )
            )
        self._record = Record()

    def __call__(self, step: int, fake: object, *, d_real: object = None, d_fake: object = None) -> dict[str, float]:
        """Measure samples.

        Args:
            step: generator updates done; more than at the last call.
            fake: an array of NumPy or any framework, or a tensor: [N, C, H, W] or [N, H, W, C] for images, [N, d] for
                points.
            d_real, d_fake: the discriminator's output on real and on generated samples as probabilities, numbers or
                arrays, whose mean is taken.

        Returns:
            Numbers by name: the metrics; `floor/…`, the same for real samples; shares of modes (`mode/…`; `good/…` of
            good samples); numbers of the verdict (`verdict/…`); severities of events at this step (`event/…`);
            `collapsed`, 0 or 1. What is undefined is left out. Once samples or outputs were not finite, there is
            nothing more to measure: the numbers are `event/divergence`, and none afterwards.

        Raises:
            GanbenchError: samples of wrong type, shape or range, or too few; a step that isn't after the last one;
                outputs that aren't probabilities.
        """
        step = plain_integer(step)
        self._record.check_step(step)
        samples = as_array(fake)
        critic = critic_means(d_real, d_fake)
        if self.diverged:
            return {}
        if not all_finite(samples) or not all(map(math.isfinite, critic or ())):
            self._record.diverged_at = step
            return self._send(step, {"event/divergence": 1.0})
        measured = self._real.measure(self._real.read(samples))
        clauses = measured.verdict.clauses(self._real.mode_word)
        row = Row(Observation(step, measured.summary, critic), {}, word_of(measured.verdict) or "", clauses)
        self._record.rows.append(row)
        if critic is not None:
            row.numbers.update(d_real=critic[0], d_fake=critic[1])
        row.numbers.update(measured.numbers)
        row.numbers.update({f"event/{event.kind}": event.severity for event in self.events if event.step == step})
        row.numbers["collapsed"] = float(self.collapsed)
        return self._send(step, row.numbers)

    @property
    def collapsed(self) -> bool:
        """True while the verdict on the samples of the last calls, as many as `patience`, was COLLAPSED.

        Early samples that are merely bad are NOT LEARNED YET, and don't count.
        """
        last = self._record.rows[-self._patience :]
        return len(last) == self._patience and all(row.word == "COLLAPSED" for row in last)

    @property
    def diverged(self) -> bool:
        """True if samples, or the discriminator's outputs, were not finite."""
        return self._record.diverged_at is not None

    @property
    def events(self) -> list[Event]:
        """The events so far, in order: `step`, `kind`, `severity` in [0, 1], and `words`."""
        record, baseline, names = self._record, self._real.baseline, self._real.mode_names
        return events_in(record.observations, baseline, self._steps, names, record.divergence)

    def summary(self) -> str:
        """The verdict on the last samples, one word first and then why, and a line for each event."""
        return self._record.summary(self.events, self._real.mode_word)

    def figure(self) -> Figure:
        """A heat map of modes × steps that shows how full each mode was; curves where modes aren't known.

        Raises:
            GanbenchError: there were no samples yet.
        """
        from ganbench.evaluation.timeline import curves_figure, timeline_figure  # matplotlib isn't needed before

        if not self._record.rows:
            raise GanbenchError("there is nothing to draw yet: no samples were measured")
        observations, names = self._record.observations, self._real.mode_names
        if len(names) == 1:
            return curves_figure(observations, self.events, self._real.baseline)
        return timeline_figure(observations, self.events, names, self._real.mode_shares, self._real.mode_word)

    def save(self, folder: str | Path) -> None:
        """Write `summary.txt`, `numbers.csv`, `timeline.json` (observations and events) and `timeline.png`.

        Each file of an earlier call is replaced as a whole. If no samples were finite, there is no picture.

        Raises:
            GanbenchError: there were no samples yet, or the folder can't be written.
        """
        from ganbench.evaluation.monitor.folder import write_folder

        figure = None if self.diverged and not self._record.rows else self.figure()
        write_folder(Path(folder), self._record, self.events, self._real.mode_names, figure, self.summary())

    def state_dict(self) -> dict[str, Any]:
        """The record as plain values (JSON has no others), for the checkpoint of your loop."""
        return {"identity": dict(self._real.identity), "reading": dict(self._real.reading)} | self._record.to_plain()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue a record: all that follows is the same as if there had been no interruption.

        Raises:
            GanbenchError: it is of another data set, protocol or number of samples, or isn't such a record.
        """
        record, reading = Record.from_plain(state, self._real)
        self._record = record
        self._real.reading.update(reading)

    def _send(self, step: int, numbers: Mapping[str, float]) -> dict[str, float]:
        for sink in self._sinks:
            sink(step, dict(numbers))
        return dict(numbers)
