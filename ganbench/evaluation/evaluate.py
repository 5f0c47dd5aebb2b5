"""The public function that scores samples: of a data set that ganbench knows, or vectors beside real ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy.typing as npt
from torch import Tensor

from ganbench.core.device import find_device
from ganbench.core.errors import GanbenchError, advice_for_python
from ganbench.evaluation.evaluate_vectors import evaluate_features, evaluate_vectors
from ganbench.evaluation.extra_metrics import create_extra_metrics
from ganbench.evaluation.extractor import extractor_of
from ganbench.evaluation.samples import check_array
from ganbench.evaluation.score_samples import Evaluation, kept_scorer, mixed, set_up


@advice_for_python()
def evaluate(
    samples: Tensor | npt.NDArray[Any],
    *,
    reference: object = None,
    labels: object = None,
    features: object = None,
    dataset: str = "mnist",
    protocol: str = "ganbench-2",
    pixel_range: str | None = None,
    clip: bool = False,
    count: int | None = None,
    metrics: Sequence[str] = (),
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
) -> Evaluation:
    """Score samples under a protocol, or vectors or images of any kind beside real ones.

    Data and evaluator of a data set are kept for the next call.

    Args:
        samples: a NumPy array or tensor, [N, C, H, W] for images, [N, 2] for points, [N, d] for vectors.
        reference: real vectors, floats [M, d], in place of a data set and a protocol: embeddings of text, rows of
            tables. With `features`, real images.
        labels: whole numbers [M], the modes of the real vectors; without them, nothing is said of modes.
        features: for images beside real ones in `reference`, the network whose features are compared: a
            `torch.nn.Module` or the path of an ONNX file, from float32 [B, C, H, W] in [−1, 1] to [B, d]. Its name and
            hash are the evaluation's `evaluator` and `evaluator_sha256`.
        dataset: name of the target data set, with options as in "ring:radius=2".
        protocol: name of the protocol.
        pixel_range: range of float images: "0..1", "-1..1" or "0..255", if the values are ambiguous.
        clip: whether to clip pixels outside that range, as saving them as pictures would do.
        count: number of samples to score, if not the protocol's default.
        metrics: metrics outside the protocol, with options as in "ndb:bins=50"; their scores come last.

    Raises:
        GanbenchError: samples of the wrong shape, range or number, an unknown name, or no GPU although one is
            requested.
    """
    torch_device = find_device(device)
    if reference is not None:
        if (dataset, protocol, tuple(metrics)) != ("mnist", "ganbench-2", ()):
            raise GanbenchError(
                "samples beside a reference have no data set, protocol or further metrics: leave them out"
            )
        if features is not None:
            extractor = extractor_of(features)
            return evaluate_features(
                samples, reference, labels, count, torch_device, extractor, pixel_range=pixel_range, clip=clip
            )
        if pixel_range is not None or clip:
            raise GanbenchError("vectors have no pixel range: leave it out")
        return evaluate_vectors(samples, reference, labels, count, torch_device)
    if labels is not None:
        raise GanbenchError("labels are those of a reference: give the real vectors, too")
    if features is not None:
        raise GanbenchError("features are those of images beside a reference: give real images, too")
    if isinstance(metrics, str):
        raise GanbenchError(f"metrics is a list of names: write ['{metrics}']")
    extra_metrics = create_extra_metrics(metrics)
    target, rules = set_up(dataset, protocol)
    tensor = check_array(samples, target.shape, pixel_range, clip)
    scored = mixed(tensor, rules.case(target).samples if count is None else count)
    return kept_scorer(target, rules, torch_device).score(scored, count, extra_metrics)
