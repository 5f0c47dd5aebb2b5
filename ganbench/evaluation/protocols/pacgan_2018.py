"""PacGAN's protocols: mixtures, and its two experiments on Stacked-MNIST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ganbench.core.registry import register
from ganbench.evaluation.metrics import METRICS, Metric
from ganbench.evaluation.protocols.base import FLOOR_DRAWS, PROTOCOLS, Case, Protocol, Rule


@register(PROTOCOLS, "pacgan-2018")
class Pacgan2018(Protocol):
    """2,500 points or 26,000 images; KL(generated ‖ uniform) in nats (Lin et al. 2018, arXiv:1712.04086).

    Points: good within 3 σ (L2), a mode counts with one good point, and the KL is ln K minus the entropy of the good
    points' shares: what lies off the modes does not count. Ring: 8 modes, radius 1, σ .01; grid: {−4, …, 4}², σ .05;
    100,000 training points. Stacked-MNIST as in their comparison with VEEGAN: 28×28, 128,000 fixed triples of the
    pooled 70,000 digits; every image counts for the digits that the classifier sees in it.

    From the authors' code, but for the classifier: its network and training are published, its weights are not; ours is
    used. `pacgan-stacked-2018` uses theirs, rebuilt.
    """

    def cases(self) -> Mapping[str, Case]:
        points = _metrics("modes", "hq") | {"kl": _kl(among="good")}

        def case(**data: object) -> Case:
            return Case(2_500, Rule("l2", 3.0), points, tuple(points), {"points": 100_000, **data}, mode_count="modes")

        return {
            "ring": case(modes=8, radius=1.0, sigma=0.01),
            "grid": case(side=5, spacing=2.0, sigma=0.05),
            "stacked-mnist": stacked_case(26_000, triples=128_000, digits="pooled", frame="28"),
        }


@register(PROTOCOLS, "pacgan-2018-unrolled")
class Pacgan2018Unrolled(Protocol):
    """25,600 Stacked-MNIST images; KL(generated ‖ uniform) in nats (Lin et al. 2018, arXiv:1712.04086, Table 3).

    Their comparison with unrolled GANs: 28×28, new triples of the 60,000 training digits in every batch. From the
    authors' code, but for the classifier: its network and training are published, its weights are not; ours is used
    (`pacgan-stacked-2018-unrolled` uses theirs, rebuilt). Theirs scores a generator with the BatchNorm statistics of
    each batch of 128; here it has running statistics.
    """

    def cases(self) -> Mapping[str, Case]:
        return {"stacked-mnist": stacked_case(25_600, triples=0, digits="train", frame="28")}


def stacked_case(samples: int, *, base: str = "e", **data: object) -> Case:
    """Stacked-MNIST as published: every image counts, one hit counts for a mode, KL against uniform over all images."""
    metrics = _metrics("modes") | {"kl": _kl(base=base)}
    return Case(samples, Rule(), metrics, tuple(metrics), data, mode_count="modes")


def seen_by(classifier: str, cases: Mapping[str, Case]) -> dict[str, Case]:
    """The case for Stacked-MNIST of a published protocol, with modes counted by a classifier of the paper, rebuilt."""
    return {"stacked-mnist": replace(cases["stacked-mnist"], classifier=classifier, floor_draws=FLOOR_DRAWS)}


def _kl(**options: object) -> Metric:
    return METRICS.create({"name": "kl", "reference": "uniform", **options})


def _metrics(*names: str) -> dict[str, Metric]:
    return {name: METRICS.create({"name": name}) for name in names}
