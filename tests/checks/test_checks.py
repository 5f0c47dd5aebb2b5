"""Checks detect faults: components that are broken on purpose, and the check that each of them fails."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

from ganbench.checks import CHECKS, CheckResult, run_checks
from ganbench.cli import main
from ganbench.core.registry import Component, register
from ganbench.data.evaluators import Features, Reference
from ganbench.data.ring import Ring
from ganbench.evaluation.metrics import Direction, Fault, Metric
from ganbench.evaluation.protocols import Case
from ganbench.evaluation.protocols.veegan_2017 import Veegan2017
from ganbench.methods.archs.mlp import Mlp
from ganbench.methods.layers import Head
from ganbench.methods.losses.hinge import Hinge
from ganbench.methods.losses.minimax import Minimax
from ganbench.methods.losses.non_saturating import NonSaturating
from ganbench.methods.losses.ragan import RaGan
from ganbench.methods.losses.rpgan import RpGan
from ganbench.methods.penalties import Critic, Penalty, between, gradient_norms, squared_gradient_norms
from ganbench.methods.penalties.dragan import DraganPenalty
from ganbench.methods.penalties.r1 import R1
from ganbench.methods.wrappers import Wrapper
from ganbench.methods.wrappers.minibatch_std import MinibatchStd
from ganbench.spec.registries import REGISTRIES

pytestmark = pytest.mark.usefixtures("one_thread")

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "ganbench_margin"

Broken = tuple[str, type[Component], str, str]
"""A kind, a component of it that is broken on purpose, the check that it fails, and a part of the message."""


@contextmanager
def registered(kind: str, component: type[Component]) -> Iterator[str]:
    """Register a component temporarily, so that other tests don't see it."""
    registry = REGISTRIES[kind]
    name = getattr(component, "registered_as", "on_purpose" if kind == "metrics" else "on-purpose")
    register(registry, name)(component)
    try:
        yield name
    finally:
        del registry._classes[name]


def failed_checks(results: list[CheckResult]) -> dict[str, str]:
    return {result.statement: result.problem for result in results if result.problem is not None}


def assert_fails_only(kind: str, component: type[Component], check: str, message: str) -> None:
    """Assert that a component fails only this check, with this text in the message."""
    with registered(kind, component) as name:
        failed = failed_checks(run_checks(kind, name))
    (expected,) = (candidate.statement for candidate in CHECKS[kind] if candidate.name == check)
    assert list(failed) == [expected], failed
    assert message in failed[expected]
    assert "\n" not in failed[expected]


class Summed(Hinge):
    """Hinge loss, summed over the batch (nobody 2026)."""

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return (1 - real).relu().sum() + (1 + fake).relu().sum()


class WrongSign(Hinge):
    """Hinge loss whose generator helps the critic (nobody 2026)."""

    def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        return fake.mean()


class Overflows(Minimax):
    """Minimax loss with log and exp written out (nobody 2026)."""

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean()


class Anchored(RpGan):
    """Relativistic loss with a term that depends on the origin (nobody 2026)."""

    def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().critic_loss(real, fake) + 0.001 * (real.square().mean() + fake.square().mean())


class Undeclared(RaGan):
    """Relativistic average loss that isn't called paired (nobody 2026)."""

    paired: ClassVar[bool] = False


class WrongRecipe(Hinge):
    """Hinge loss with a misspelt recipe (nobody 2026)."""

    recipe: ClassVar[Mapping[str, Any]] = {"n_critics": 5}


class NoSuchPenalty(Hinge):
    """Hinge loss with a penalty that doesn't exist (nobody 2026)."""

    penalties: ClassVar[tuple[str, ...]] = ("gpp:weight=10",)


class Unprobable(Hinge):
    """Hinge loss that prints a score as a probability (nobody 2026)."""

    def critic_output(self, logits: Tensor) -> Tensor:
        return logits

    output = "probability"


class AsksForNumbers(NonSaturating):
    """Non-saturating loss with an `if` on a logit (nobody 2026)."""

    def generator_loss(self, fake: Tensor, real: Tensor) -> Tensor:
        return super().generator_loss(fake, real) if fake.mean().item() < 100 else -fake.mean()


class Sourceless(Hinge):
    """A loss that is just the hinge loss."""


class Undocumented(Hinge):
    margin: float = 1.0


class WholeBatch(Penalty):
    """Two-sided penalty with one norm for the whole batch (nobody 2026)."""

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
        squared = squared_gradient_norms(critic, between(real, fake, uniform)).sum()
        return (squared.clamp_min(1e-12).sqrt() - 1).square()


class NoFloor(Penalty):
    """Two-sided penalty with a bare square root (nobody 2026)."""

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
        return (squared_gradient_norms(critic, real).sqrt() - 1).square().mean()


class Detached(Penalty):
    """Zero-centred penalty without a gradient for the critic (nobody 2026)."""

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
        return gradient_norms(critic, real).detach().mean() + 0 * critic(real).mean()


class Autograd(Penalty):
    """Zero-centred penalty by torch.autograd.grad (nobody 2026)."""

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
        real = real.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(critic(real).sum(), real, create_graph=True)
        return gradient.flatten(1).square().sum(1).mean()


class Reward(R1):
    """Zero-centred penalty with the wrong sign (nobody 2026)."""

    def __call__(self, critic: Critic, real: Tensor, fake: Tensor, uniform: Tensor, noise: Tensor) -> Tensor:
        return -super().__call__(critic, real, fake, uniform, noise)


class Secretive(DraganPenalty):
    """Penalty around real samples that doesn't ask for noise (nobody 2026)."""

    noisy: ClassVar[bool] = False


class BatchNormed(Mlp):
    """Fully connected networks with BatchNorm in the critic (nobody 2026)."""

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        first, *others = super().critic(shape).children()
        return nn.Sequential(first, nn.BatchNorm1d(len(torch.zeros(shape).flatten())), *others)


class Headless(Mlp):
    """Fully connected networks that end in a plain layer (nobody 2026)."""

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        layers = list(super().critic(shape).children())
        assert isinstance(layers[-1], Head)
        return nn.Sequential(*layers[:-1], nn.Linear(layers[-1].features, 1), nn.Flatten(0))


class Unbounded(Mlp):
    """Fully connected networks without tanh (nobody 2026)."""

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(nn.Linear(self.latent_dim, 200), nn.Linear(200, 3136), _Cut(shape))


class _Cut(nn.Module):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, numbers: Tensor) -> Tensor:
        flat = torch.zeros(self.shape).numel()
        return 3 * numbers[:, :flat].reshape(-1, *self.shape) if flat <= 3136 else numbers


class OneSize(Mlp):
    """Fully connected networks whose critic has one size (nobody 2026)."""

    def scaled(self, width: int) -> int:
        return width


class Mixing(Wrapper):
    """Each feature less its mean over real and generated samples (nobody 2026)."""

    def wrap(self, critic: nn.Module, batch: int) -> nn.Module:
        return nn.Sequential(_LessMean(), critic)


class _LessMean(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs - inputs.mean(0)


class Counting(Wrapper):
    """Counts its forward passes (nobody 2026)."""

    def wrap(self, critic: nn.Module, batch: int) -> nn.Module:
        return nn.Sequential(_Counter(), critic)


class _Counter(nn.Module):
    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, inputs: Tensor) -> Tensor:
        self.seen += 1
        return inputs


class ClipsInPlace(Wrapper):
    """Weights are clipped in place (nobody 2026)."""

    def constrain(self, parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {name: tensor.clamp_(-0.01, 0.01) for name, tensor in parameters.items()}


class Inventing(MinibatchStd):
    """Returns a tensor that doesn't exist (nobody 2026)."""

    def constrain(self, parameters: Mapping[str, Tensor], buffers: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {"sigma": next(iter(parameters.values())).sum()}


class Backwards(Metric):
    """Share of good samples, with the wrong direction (nobody 2026)."""

    direction: ClassVar[Direction] = "lower"
    sees: ClassVar[frozenset[Fault]] = frozenset({"off-mode"})

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return fake.good.double().mean().item()


class Chancy(Backwards):
    """Share of good samples among a random half (nobody 2026)."""

    direction: ClassVar[Direction] = "higher"

    def __call__(self, *, fake: Features, real: Reference) -> float:
        return fake.good[torch.rand(len(fake)) < 0.5].double().mean().nan_to_num().item()


class OtherHash(Ring):
    """Gaussians on a circle, with the hash of another evaluator (nobody 2026)."""

    @property
    def evaluator_sha256(self) -> str:
        return "0" * 64


class Unnamed(Veegan2017):
    """Protocol whose label lacks its version (nobody 2026)."""

    def label(self, case: Case, samples: int) -> str:
        return self.name


BROKEN: list[Broken] = [
    ("losses", Summed, "mean", ".mean()"),
    ("losses", WrongSign, "opposed", "must be negative"),
    ("losses", Overflows, "scalar", "softplus"),
    ("losses", Anchored, "shift_invariant", "differences"),
    ("losses", Undeclared, "unpaired", "paired = True"),
    ("losses", WrongRecipe, "recipe", "did you mean 'n_critic'?"),
    ("losses", NoSuchPenalty, "recipe", "unknown penalty 'gpp'"),
    ("losses", Unprobable, "output", "score"),
    ("losses", AsksForNumbers, "lifted", ".item()"),
    ("losses", Sourceless, "described", "arXiv"),
    ("losses", Undocumented, "described", "no docstring"),
    ("penalties", WholeBatch, "per_sample", "each sample's gradient"),
    ("penalties", NoFloor, "flat", "gradient_norms"),
    ("penalties", Detached, "differentiable", "detached"),
    ("penalties", Autograd, "lifted", "torch.func.grad"),
    ("penalties", Reward, "scalar", "not negative"),
    ("penalties", Secretive, "noise_declared", "noisy = True"),
    ("archs", BatchNormed, "one_input", "running_mean"),
    ("archs", Headless, "headed", "Head(features)"),
    ("archs", Unbounded, "generates", "Tanh"),
    ("archs", OneSize, "scalable", "self.scaled"),
    ("wrappers", Mixing, "apart", "by themselves"),
    ("wrappers", Counting, "pure", "'0.seen'"),
    ("wrappers", ClipsInPlace, "constrains", "in place"),
    ("wrappers", Inventing, "constrains", "'sigma'"),
    ("metrics", Backwards, "sees_collapse", "less would be better"),
    ("metrics", Chancy, "repeats", "ganbench.plugin.stream"),
    ("datasets", OtherHash, "hashed", "its evaluator's"),
    ("protocols", Unnamed, "labelled", "not 'on-purpose v1'"),
]


@pytest.mark.parametrize(
    ("kind", "component", "check", "message"),
    BROKEN,
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_broken_component_fails_only_its_check(kind: str, component: type[Component], check: str, message: str) -> None:
    assert_fails_only(kind, component, check, message)


def test_component_that_cannot_be_created_is_reported() -> None:
    class Needy(Hinge):
        """Hinge loss that rejects its own default (nobody 2026)."""

        level: float = 0.0

        def __post_init__(self) -> None:
            raise ValueError("level must be above 0")

    with registered("losses", Needy) as name:
        (result,) = run_checks("losses", name)
    assert result.statement == "it can be made with its default options"
    assert result.problem is not None
    assert "level must be above 0" in result.problem


def test_exception_of_a_component_is_reported_on_one_line() -> None:
    class Raises(Hinge):
        """Hinge loss that fails (nobody 2026)."""

        def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
            raise TypeError("no\nlogits")

    with registered("losses", Raises) as name:
        failed = failed_checks(run_checks("losses", name))
    assert "raises TypeError: no logits" in failed.values()


def test_results_do_not_depend_on_the_global_random_state_and_leave_it_unchanged() -> None:
    class Halved(Hinge):
        """Hinge loss, summed over the batch and halved (nobody 2026)."""

        def critic_loss(self, real: Tensor, fake: Tensor) -> Tensor:
            return ((1 - real).relu().sum() + (1 + fake).relu().sum()) / 2

    results = []
    with registered("losses", Halved) as name:
        for seed in (1, 2):
            torch.manual_seed(seed)
            before = torch.get_rng_state()
            results.append(run_checks("losses", name))
            assert torch.equal(torch.get_rng_state(), before)
    assert failed_checks(results[0]), "the messages contain random numbers"
    assert results[0] == results[1]


def test_check_command_reports_a_failed_check_of_a_file(tmp_path: Path) -> None:
    source = (EXAMPLE / "ganbench_margin" / "relativistic_hinge.py").read_text()
    file = tmp_path / "summed.py"
    file.write_text(
        source.replace("(winners - losers.mean())).relu().mean()", "(winners - losers.mean())).relu().sum()")
    )
    result = CliRunner().invoke(main, ["check", str(file)], catch_exceptions=False)
    assert result.exit_code == 1, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "losses  relativistic-hinge"
    (broken,) = (number for number, line in enumerate(lines) if line.startswith("  ✗ "))
    assert "means over the batch" in lines[broken]
    assert "take .mean() over the batch, not .sum()" in lines[broken + 1]
    assert lines[-1].endswith("1 failed")
    assert not result.stderr


def test_example_plugin_passes_all_checks(tmp_path: Path) -> None:
    """Installed according to its pyproject.toml, but without building a wheel."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    (entry,) = project["entry-points"]["ganbench.plugins"].items()
    information = tmp_path / f"ganbench_margin-{project['version']}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    (information / "entry_points.txt").write_text("[ganbench.plugins]\n{} = {}\n".format(*entry))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(EXAMPLE)])}
    command = [sys.executable, "-m", "ganbench", "check", "margin"]
    result = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "losses  relativistic-hinge" in result.stdout
    assert "penalties  zero-centred" in result.stdout
    assert "✗" not in result.stdout
    assert result.stdout.splitlines()[-1].startswith("2 components: ")


def test_already_imported_module_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(["check", "ganbench.methods.losses.hinge"])
    assert exit_info.value.code == 0
    assert capsys.readouterr().out.startswith("losses  hinge\n")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("marginn", "there is no plug-in or module 'marginn'"),
        ("ganbench.lozzes", "there is no plug-in or module 'ganbench.lozzes'"),
        ("missing.py", "there is no plugin file 'missing.py'"),
        ("string", "'string' registers nothing"),
        ("needs_more.py", "can't be loaded: ModuleNotFoundError: No module named 'no_such_module'"),
        ("needs_more", "can't be loaded: ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_invalid_target_gives_a_one_line_error_and_status_2(
    target: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("needs_more.py").write_text("import no_such_module\n")
    result = CliRunner().invoke(main, ["check", target])
    assert result.exit_code == 2
    (error,) = result.stderr.splitlines()
    assert error.startswith("Error: ")
    assert message in error
