"""The algorithm of a spec as a person would write it down: networks, a step, and the formulas as their own code."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Sequence

from torch import nn

from ganbench.core.registry import Component
from ganbench.spec.run_spec import RunSpec
from ganbench.spec.train_spec import TrainSpec

SCHEDULED = {
    "lr_decay": "learning rates end at {} of their initial value",
    "ema": "scored is a moving average of G's weights, with a half-life of {} of training",
    "instance_noise": "normal noise with a standard deviation of {}, falling to 0, is added to all that D sees",
}
"""Options of training that change more than a step, in words."""

WIDTH = 78
"""Characters of a line of layers."""


def explanation(spec: RunSpec) -> str:
    """The whole algorithm, a screen of text."""
    return "\n".join([*_networks(spec), "", *_training(spec), "", *_formulas(spec), "", *_scoring(spec)])


def _networks(spec: RunSpec) -> Iterator[str]:
    shape = spec.dataset.shape
    generator, critic = spec.generator(shape), spec.critic(shape)
    arch = spec.arch
    yield f"{spec.loss.name} on {spec.dataset.name}, architecture {arch.name}"
    yield ""
    yield f"z     {arch.latent} [{arch.latent_dim}]"
    for name, network in (("G(z)", generator), ("D(x)", critic)):
        weights = sum(parameter.numel() for parameter in network.parameters())
        words = f"{' → '.join(_layers(network))}   ({weights:,}\N{NO-BREAK SPACE}weights)"
        yield textwrap.fill(words, WIDTH, initial_indent=f"{name:6}", subsequent_indent=" " * 6)
    for wrapper in spec.wrappers:
        yield f"      D is changed by {_stated(wrapper)}: {type(wrapper).summary()}"


def _layers(network: nn.Module) -> list[str]:
    """The layers with their sizes; equal ones in a row are counted."""
    leaves = [layer for layer in network.modules() if not list(layer.children())]
    names = [_layer(layer) for layer in leaves]
    counted: list[tuple[str, int]] = []
    for name in names:
        if counted and counted[-1][0] == name:
            counted[-1] = (name, counted[-1][1] + 1)
        else:
            counted.append((name, 1))
    return [name if count == 1 else f"{count} × {name}" for name, count in counted]


def _layer(layer: nn.Module) -> str:
    kind = type(layer).__name__
    match layer:
        case nn.Linear():
            return f"linear {layer.in_features}–{layer.out_features}"
        case nn.Conv2d() | nn.ConvTranspose2d():
            size = "×".join(map(str, layer.kernel_size))
            word = "conv" if isinstance(layer, nn.Conv2d) else "transposed conv"
            return f"{word} {size} {layer.in_channels}–{layer.out_channels}"
    return kind


def _training(spec: RunSpec) -> Iterator[str]:
    train = spec.train
    images = train.steps * spec.costs["images"]
    packed = f", {train.pac} of them side by side in each input of D" if train.pac > 1 else ""
    unrolled = f" after {train.unrolled} imagined updates" if train.unrolled else ""
    pairs = ", D(x)" if spec.loss.paired else ""
    penalties = "".join(f" + {penalty.name}" for penalty in spec.penalties)
    yield f"repeat {train.steps:,} times:    # {images:,} real images in all"
    yield from _block(
        train.n_critic,
        [
            f"x ← {train.batch_size} training samples, z ← {train.batch_size} latents{packed}",
            f"D minimises critic_loss(D(x), D(G(z))){penalties}",
            _optimiser(train, train.critic_lr, train.critic_betas),
        ],
    )
    drawn = "x, z" if spec.loss.paired else "z"
    yield from _block(
        train.n_generator,
        [
            f"{drawn} ← {train.batch_size} of each, anew" if spec.loss.paired else f"z ← {train.batch_size} latents",
            f"G minimises generator_loss(D(G(z)){pairs}), against D as it is{unrolled}",
            _optimiser(train, train.generator_lr, train.generator_betas),
        ],
    )
    for name, words in SCHEDULED.items():
        value = getattr(train, name)
        if value != getattr(TrainSpec, name):
            yield f"  {words.format(f'{value:g}')}"
    if train.precision != "float32":
        yield f"  products and convolutions are computed in {train.precision}"


def _block(times: int, lines: Sequence[str]) -> Iterator[str]:
    margin = "  "
    if times > 1:
        yield f"  repeat {times} times:"
        margin = "    "
    yield from (margin + line for line in lines)


def _optimiser(train: TrainSpec, lr: float, betas: Sequence[float]) -> str:
    return f"    by {train.optimizer}, learning rate {lr:g}, betas {', '.join(f'{beta:g}' for beta in betas)}"


def _formulas(spec: RunSpec) -> Iterator[str]:
    """The code of loss and penalties, with the values of their options."""
    yield f"{_stated(spec.loss)}: {type(spec.loss).summary()}"
    yield from _code("critic_loss(real, fake)", type(spec.loss).critic_loss)
    yield from _code("generator_loss(fake, real)", type(spec.loss).generator_loss)
    for penalty in spec.penalties:
        yield f"{_stated(penalty)}: {type(penalty).summary()}"
        yield from _code(f"{penalty.name}(critic, real, fake)", type(penalty).__call__)


def _stated(component: Component) -> str:
    options = ", ".join(f"{name}={value}" for name, value in component.to_spec().items() if name != "name")
    return f"{component.name} ({options})" if options else component.name


def _code(title: str, function: Callable[..., object]) -> Iterator[str]:
    """The body of a function without its docstring; a note where its source can't be had."""
    yield f"  {title}:"
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError):
        yield "    (its source is not available)"
        return
    definition = ast.parse(source).body[0]
    assert isinstance(definition, ast.FunctionDef)
    statements = definition.body
    if len(statements) > 1 and isinstance(statements[0], ast.Expr) and isinstance(statements[0].value, ast.Constant):
        statements = statements[1:]
    lines = source.splitlines()[statements[0].lineno - 1 : statements[-1].end_lineno]
    yield from textwrap.indent(textwrap.dedent("\n".join(lines)), "    ").splitlines()


def _scoring(spec: RunSpec) -> Iterator[str]:
    evaluation = spec.evaluation
    yield (
        f"every {evaluation.every:,} steps {evaluation.quick_samples:,} samples are scored, "
        f"{evaluation.samples:,} at the end, under {spec.protocol_label}"
    )
    if evaluation.stop_on == "collapse":
        yield f"a seed that stays collapsed for {evaluation.patience} evaluations is stopped"
    yield f"all settings: ganbench run … --dry-run; seed 0 is run {spec.run_id(0)}"
