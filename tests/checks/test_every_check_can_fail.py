"""For each check, a component that is broken on purpose and fails only that check."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from ganbench.checks import CHECKS
from ganbench.core.registry import Component
from ganbench.data.evaluators import Features, Reference
from ganbench.data.evaluators.mixture import MixtureEvaluator
from ganbench.data.ring import Ring
from ganbench.evaluation.metrics import Direction, Fault, Metric, Scale
from ganbench.evaluation.metrics.hq import HighQuality
from ganbench.evaluation.metrics.modes import Modes
from ganbench.evaluation.protocols import Case, Rule
from ganbench.evaluation.protocols.veegan_2017 import Veegan2017
from ganbench.methods.archs.mlp import Mlp
from ganbench.methods.layers import Head
from ganbench.methods.losses.hinge import Hinge
from ganbench.methods.penalties import Critic
from ganbench.methods.penalties.r1 import R1
from ganbench.methods.wrappers import Wrapper
from ganbench.methods.wrappers.clip import Clip
from ganbench.methods.wrappers.minibatch_std import MinibatchStd
from tests.checks.test_checks import BROKEN, Broken, assert_fails_only

pytestmark = pytest.mark.usefixtures("one_thread")


class _Forgetful(Component):
    """Its spec always has level 0, regardless of the option `level`."""

    def to_spec(self) -> dict[str, Any]:
        return {**super().to_spec(), "level": 0.0}


class ForgetfulLoss(_Forgetful, Hinge):
    """Hinge loss with a wrong level in the spec (nobody 2026)."""

    level: float = 0.5


class ForgetfulPenalty(_Forgetful, R1):
    """Zero-centred penalty with a wrong level in the spec (nobody 2026)."""

    level: float = 0.5


class ForgetfulArch(_Forgetful, Mlp):
    """Fully connected networks with a wrong level in the spec (nobody 2026)."""

    level: float = 0.5


class ForgetfulWrapper(_Forgetful, Clip):
    """Weight clipping with a wrong level in the spec (nobody 2026)."""

    level: float = 0.5


class ForgetfulDataset(_Forgetful, Ring):
    """Gaussians on a circle with a wrong level in the spec (nobody 2026)."""

    level: float = 0.5


class ForgetfulMetric(_Forgetful, HighQuality):
    """Share of good samples with a wrong level in the spec (nobody 2026)."""

    level: float = 0.5


class ForgetfulProtocol(_Forgetful, Veegan2017):
    """Protocol with a wrong level in the spec (nobody 2026)."""

    level: float = 0.5


class SourcelessPenalty(R1):
    """A penalty that is just the zero-centred one."""


class SourcelessArch(Mlp):
    """An architecture that is just fully connected."""


class SourcelessWrapper(Clip):
    """A wrapper that just clips the weights."""


class SourcelessDataset(Ring):
    """A data set that is just the ring."""


class SourcelessMetric(HighQuality):
    """A metric that is just the share of good samples."""


class SourcelessProtocol(Veegan2017):
    """A protocol that is just that of VEEGAN."""


class Neighbours(Hinge):
    """Hinge loss that pulls logits of neighbours in the batch together (nobody 2026)."""

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        # First and last are neighbours, too, so that a batch repeated twice has the same neighbours.
        return super().critic_loss(real, fake) + (real - real.roll(1)).square().mean()


class Explodes(Hinge):
    """Hinge loss with a learning rate at which training overflows (nobody 2026)."""

    recipe: ClassVar[Mapping[str, Any]] = {"critic_lr": 1e30}


class RowsAndColumns(R1):
    """Zero-centred penalty that treats every sample as a matrix, even points (nobody 2026)."""

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
        gradient: Tensor = torch.func.grad(lambda x: critic(x).sum())(real)
        return gradient.square().sum((1, 2)).mean()


class Disagrees(Mlp):
    """Fully connected networks whose generator rejects images that the critic accepts (nobody 2026)."""

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        if len(shape) > 1:
            raise ValueError("it makes points only")
        return super().generator(shape)


class Certain(Mlp):
    """Fully connected networks whose critic starts out infinitely certain (nobody 2026)."""

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        *layers, head = super().critic(shape).children()
        assert isinstance(head, Head)
        nn.init.constant_(head.linear.bias, math.inf)
        return nn.Sequential(*layers, head)


class Unpackable(Mlp):
    """Fully connected networks whose critic rejects more channels than a single sample has (nobody 2026)."""

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        if shape[0] > 3:
            raise ValueError(f"samples have up to 3 channels, not {shape[0]}")
        return super().critic(shape)


class Drops(Mlp):
    """Fully connected networks with a random layer in the generator (nobody 2026)."""

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(nn.Dropout(), super().generator(shape))


class Gated(Mlp):
    """Fully connected networks with a weight that starts where its gradient is undefined (nobody 2026)."""

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(_Gate(), *super().critic(shape).children())


class _Gate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, inputs: Tensor) -> Tensor:
        # The root has an infinite slope at zero, so inputs have a finite gradient, but the weight has none.
        return inputs * (1 + self.weight.square().sqrt())


class Refuses(MinibatchStd):
    """Standard deviation within groups of five, which divides no usual batch size (nobody 2026)."""

    group: int = 5


class ClipsIfNeeded(Wrapper):
    """Weights are clipped under an `if` on their size (nobody 2026)."""

    def constrain(self, parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {name: tensor.clamp(-0.01, 0.01) for name, tensor in parameters.items() if tensor.abs().max() > 0.01}


class Guards(Wrapper):
    """Inputs are verified by an `if` on their values, which makes penalties impossible (nobody 2026)."""

    def wrap(self, critic: nn.Module, batch: int) -> nn.Module:
        return nn.Sequential(_Guard(), critic)


class _Guard(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        if not inputs.isfinite().all():
            raise ValueError("inputs must be finite")
        return inputs


class Inflates(Wrapper):
    """Weights are multiplied after each update until they overflow (nobody 2026)."""

    def constrain(self, parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {name: 1e30 * tensor for name, tensor in parameters.items()}


class Wordless(Ring):
    """Gaussians on a circle without a word for them (nobody 2026)."""

    mode_word: ClassVar[str] = ""


class Unscored(Ring):
    """Gaussians on a circle with a protocol that has no case for them (nobody 2026)."""

    protocol: ClassVar[str] = "veegan-2017"


class Judging(Ring):
    """Gaussians on a circle whose evaluator has its own rule for good samples (nobody 2026)."""

    def evaluator(self, device: torch.device) -> MixtureEvaluator:
        return _RejectingEvaluator(self.means(), self.sigma)


class _RejectingEvaluator(MixtureEvaluator):
    def __call__(self, samples: Tensor) -> Features:
        features = super().__call__(samples)
        return replace(features, good=features.deviation.norm(dim=1) < 3)


class Lenient(Ring):
    """Gaussians on a circle whose evaluator accepts float64 (nobody 2026)."""

    def evaluator(self, device: torch.device) -> MixtureEvaluator:
        return _Converts(self.means(), self.sigma)


class _Converts(MixtureEvaluator):
    def __call__(self, samples: Tensor) -> Features:
        return super().__call__(samples.float())


class Undirected(HighQuality):
    """Share of good samples with a direction that doesn't exist (nobody 2026)."""

    direction: ClassVar[Direction] = "upwards"  # type: ignore[assignment]  # plug-ins without types can say it


class Hyphenated(HighQuality):
    """Share of good samples under a name that needs quotes (nobody 2026)."""

    registered_as = "on-purpose"


class Scaleless(HighQuality):
    """Share of good samples on a scale that there isn't (nobody 2026)."""

    scale: ClassVar[Scale] = "cubic"  # type: ignore[assignment]  # as `Undirected`


class Overclaims(HighQuality):
    """Share of good samples that claims to see a fault that doesn't exist (nobody 2026)."""

    sees: ClassVar[frozenset[Fault]] = frozenset({"off-mode", "ugliness"})  # type: ignore[arg-type]  # as `Undirected`


class BelowItself(Modes):
    """Number of modes with a ceiling of one mode fewer than there are (nobody 2026)."""

    def ceiling(self, real: Reference) -> float:
        return super().ceiling(real) - 1


class Variance(Metric):
    """Unbiased variance of embeddings, even of a single sample (nobody 2026)."""

    direction: ClassVar[Direction] = "higher"

    def __call__(self, *, fake: Features, real: Reference) -> float:
        embedding = fake.embedding.double()
        return float((embedding - embedding.mean(0)).square().sum() / (len(fake) - 1))


class LooksCloser(HighQuality):
    """Share of good samples that depends on features although it says that it doesn't (nobody 2026)."""

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return super().__call__(fake=fake, real=real) + 1e-3 * float(fake.embedding.double().square().mean())


class Illiterate(Veegan2017):
    """Protocol that asks a classifier of digits for the modes of points (nobody 2026)."""

    def cases(self) -> Mapping[str, Case]:
        return {name: replace(case, classifier="meg-cnn-1") for name, case in super().cases().items()}


class TooFew(Veegan2017):
    """Protocol that scores a hundred samples (nobody 2026)."""

    def cases(self) -> Mapping[str, Case]:
        return {name: replace(case, samples=100) for name, case in super().cases().items()}


class NoneGood(Veegan2017):
    """Protocol whose rule accepts no sample (nobody 2026)."""

    def cases(self) -> Mapping[str, Case]:
        return {name: replace(case, rule=Rule("l2", within=0.0)) for name, case in super().cases().items()}


ALSO_BROKEN: list[Broken] = [
    ("losses", ForgetfulLoss, "made_again", "to_spec() must describe all of it"),
    ("losses", Neighbours, "unordered", "another order"),
    ("losses", Explodes, "trained", "after 2 steps"),
    ("penalties", ForgetfulPenalty, "made_again", "to_spec() must describe all of it"),
    ("penalties", SourcelessPenalty, "described", "arXiv"),
    ("penalties", RowsAndColumns, "trained", "Dimension out of range"),
    ("archs", ForgetfulArch, "made_again", "to_spec() must describe all of it"),
    ("archs", SourcelessArch, "described", "arXiv"),
    ("archs", Disagrees, "fits_some", "the generator refuses them"),
    ("archs", Certain, "judges", "its logits are inf"),
    ("archs", Unpackable, "packed", "for packs of 2"),
    ("archs", Drops, "lifted", "no random layers"),
    ("archs", Gated, "trained", "after 2 steps"),
    ("wrappers", ForgetfulWrapper, "made_again", "to_spec() must describe all of it"),
    ("wrappers", SourcelessWrapper, "described", "arXiv"),
    ("wrappers", Refuses, "fits", "refuses every critic with 8 inputs"),
    ("wrappers", ClipsIfNeeded, "constrains_lifted", "under torch.func.vmap it raises"),
    ("wrappers", Guards, "penalised", "takes_penalties = False"),
    ("wrappers", Inflates, "trained", "after 2 steps"),
    ("datasets", ForgetfulDataset, "made_again", "to_spec() must describe all of it"),
    ("datasets", SourcelessDataset, "described", "arXiv"),
    ("datasets", Wordless, "describes_itself", "mode_word is empty"),
    ("datasets", Unscored, "scored", "doesn't cover on-purpose"),
    ("datasets", Judging, "evaluates", "for a protocol's rule"),
    ("datasets", Lenient, "refuses", "it takes float64"),
    ("metrics", ForgetfulMetric, "made_again", "to_spec() must describe all of it"),
    ("metrics", SourcelessMetric, "described", "arXiv"),
    ("metrics", Undirected, "directed", "'upwards'"),
    ("metrics", Hyphenated, "named", "write on_purpose"),
    ("metrics", Scaleless, "scaled", "'cubic'"),
    ("metrics", Overclaims, "claims", "ugliness; there are"),
    ("metrics", BelowItself, "bounded", "its ceiling is 9"),
    ("metrics", Variance, "of_few", "raise UndefinedMetricError"),
    ("protocols", ForgetfulProtocol, "made_again", "to_spec() must describe all of it"),
    ("protocols", SourcelessProtocol, "described", "arXiv"),
    ("metrics", LooksCloser, "from_modes", "leave out from_modes"),
    ("protocols", Illiterate, "evaluated", "doesn't know the modes of ring"),
    ("protocols", TooFew, "cases", "below 500"),
    ("protocols", NoneGood, "good", "not even at the centre"),
]


@pytest.mark.parametrize(
    ("kind", "component", "check", "message"),
    ALSO_BROKEN,
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_broken_component_fails_only_its_check(kind: str, component: type[Component], check: str, message: str) -> None:
    assert_fails_only(kind, component, check, message)


def test_every_check_has_a_component_that_fails_it() -> None:
    failed = {(kind, check) for kind, _, check, _ in (*BROKEN, *ALSO_BROKEN)}
    assert failed == {(kind, check.name) for kind, checks in CHECKS.items() for check in checks}
