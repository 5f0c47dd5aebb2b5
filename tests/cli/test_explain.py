"""The explanation of a spec: it holds what is trained, for every component."""

from __future__ import annotations

import pytest
import torch
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.cli.console.explanation import explanation
from ganbench.methods.archs import ARCHS
from ganbench.methods.losses import LOSSES
from ganbench.methods.penalties import PENALTIES
from ganbench.methods.wrappers import WRAPPERS
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.training.state import State


def spec(**components: object) -> RunSpec:
    return resolve({"loss": {"name": "minimax"}, "dataset": {"name": "ring"}, **components})


@pytest.mark.parametrize("loss", [name for name, _ in LOSSES.items()])
def test_every_loss_is_shown_as_its_code_on_one_screen(loss: str) -> None:
    text = explanation(spec(loss={"name": loss}))
    assert "critic_loss(real, fake):\n    " in text
    assert text.count("return ") >= 2
    assert "its source is not available" not in text
    assert len(text.splitlines()) <= 45


@pytest.mark.parametrize("penalty", [name for name, _ in PENALTIES.items()])
def test_every_penalty_is_added_and_shown(penalty: str) -> None:
    text = explanation(spec(penalty=[{"name": penalty}]))
    assert f"critic_loss(D(x), D(G(z))) + {penalty}\n" in text
    assert f"  {penalty}(critic, real, fake):\n    " in text


@pytest.mark.parametrize("wrapper", [name for name, _ in WRAPPERS.items()])
def test_every_wrapper_is_named(wrapper: str) -> None:
    assert f"D is changed by {wrapper}" in explanation(spec(wrapper=[{"name": wrapper}]))


@pytest.mark.parametrize("arch", [name for name, _ in ARCHS.items() if name != "infogan"])
def test_weights_are_counted_as_they_are_trained(arch: str) -> None:
    dataset = "ring" if arch in ("pacgan-2d", "mlp") else "mnist"
    if arch.startswith("pacgan-dcgan"):
        dataset = "stacked-mnist"
    explained = spec(arch={"name": arch}, dataset={"name": dataset})
    state = State(explained, (0,), explained.dataset.shape, torch.device("cpu"))
    for network in (state.generator, state.critic):
        count = sum(tensor.numel() for tensor in network.parameters.values())
        assert f"({count:,}\N{NO-BREAK SPACE}weights)" in explanation(explained)


def test_what_differs_from_the_default_is_told() -> None:
    train = {"pac": 2, "unrolled": 3, "ema": 0.05, "lr_decay": 0.1, "n_generator": 4, "steps": 1200}
    text = explanation(spec(train=train, evaluation={"stop_on": "collapse"}))
    for words in ("2 of them side by side", "3 imagined updates", "half-life of 0.05", "end at 0.1 of"):
        assert words in text
    assert "  repeat 4 times:\n    z ←" in text
    assert "repeat 1,200 times" in text
    assert "stays collapsed for 5 evaluations" in text
    plain = explanation(spec())
    for words in ("side by side", "imagined", "half-life", "end at", "stays collapsed"):
        assert words not in plain


def test_command_takes_the_options_of_run() -> None:
    options = ["--dataset", "ring", "--loss", "wgan-gp", "--steps", "50"]
    explained, resolved = (
        CliRunner().invoke(main, words, catch_exceptions=False)
        for words in (["explain", *options], ["run", *options, "--dry-run"])
    )
    assert (explained.exit_code, resolved.exit_code) == (0, 0)
    assert explained.stdout.startswith("wgan-gp on ring, architecture mlp\n")
    run_id = resolved.stdout.split("# seed 0: run ")[1].strip()
    assert f"seed 0 is run {run_id}" in explained.stdout
