"""The protocol of self-conditioned GANs."""

from __future__ import annotations

from collections.abc import Mapping

from ganbench.core.registry import register
from ganbench.evaluation.metrics import METRICS
from ganbench.evaluation.protocols.base import PROTOCOLS, Case, Protocol, Rule
from ganbench.evaluation.protocols.pacgan_2018 import stacked_case


@register(PROTOCOLS, "selfcond-2020")
class Selfcond2020(Protocol):
    """50,000 samples, a 3 σ box for points, decimal logarithms for images (Liu et al. 2020, arXiv:2006.10728).

    Ring: 8 modes, radius 2, variance 1e-4; grid: spacing 2 from −4, variance .0025; good within ±3 σ in each direction
    (L∞), a mode counts with one good point, KL(generated ‖ uniform) over all points. Stacked-MNIST: scaled to 32×32,
    100,000 triples of the 60,000 training digits, KL(generated ‖ uniform) to base 10; for points it is in nats.

    From the authors' code, but for the classifier: its network and training are published, its weights are not; ours is
    used. Theirs judges with dropout left on; `selfcond-stacked-2020` uses theirs, rebuilt.
    """

    def cases(self) -> Mapping[str, Case]:
        metrics = {
            "modes": METRICS.create({"name": "modes"}),
            "hq": METRICS.create({"name": "hq"}),
            "kl": METRICS.create({"name": "kl", "reference": "uniform"}),
        }

        def case(**data: object) -> Case:
            return Case(50_000, Rule("linf", 3.0), metrics, tuple(metrics), data, mode_count="modes")

        return {
            "ring": case(modes=8, radius=2.0, sigma=0.01),
            "grid": case(side=5, spacing=2.0, sigma=0.05),
            "stacked-mnist": stacked_case(50_000, base="10", triples=100_000, digits="train", frame="scaled-32"),
        }
