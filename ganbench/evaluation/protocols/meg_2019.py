"""The protocol of maximum-entropy generators."""

from __future__ import annotations

from collections.abc import Mapping

from ganbench.core.registry import register
from ganbench.evaluation.protocols.base import PROTOCOLS, Case, Protocol
from ganbench.evaluation.protocols.pacgan_2018 import stacked_case


@register(PROTOCOLS, "meg-2019")
class Meg2019(Protocol):
    """26,000 Stacked-MNIST images; KL(generated ‖ uniform) in nats (Kumar et al. 2019, arXiv:1901.08508).

    28×28, 128,000 fixed triples of the 60,000 training digits. From the authors' code, but for the classifier: its
    network and training are published, its weights are not; ours is used. Theirs judges with dropout left on, which
    adds noise of its own. `meg-stacked-2019` uses theirs, rebuilt.
    """

    def cases(self) -> Mapping[str, Case]:
        return {"stacked-mnist": stacked_case(26_000, triples=128_000, digits="train", frame="28")}
