"""VEEGAN's protocol for mixtures."""

from __future__ import annotations

from collections.abc import Mapping

from ganbench.core.registry import register
from ganbench.evaluation.metrics import METRICS
from ganbench.evaluation.protocols.base import PROTOCOLS, Case, Protocol, Rule


@register(PROTOCOLS, "veegan-2017")
class Veegan2017(Protocol):
    """2,500 points, good within 3 σ (L2), a mode counts with one good point (Srivastava et al. 2017, arXiv:1705.07761).

    Ring: 8 modes, radius 1; grid: {−4, −2, 0, 2, 4}², σ .05. From the project's page, which does not give the σ of the
    ring: .01 is assumed, as PacGAN does, whose authors compared with it.
    """

    def cases(self) -> Mapping[str, Case]:
        metrics = {name: METRICS.create({"name": name}) for name in ("modes", "hq")}

        def case(**data: object) -> Case:
            return Case(2_500, Rule("l2", 3.0), metrics, tuple(metrics), data, mode_count="modes")

        return {
            "ring": case(modes=8, radius=1.0, sigma=0.01),
            "grid": case(side=5, spacing=2.0, sigma=0.05),
        }
