"""The options that state a spec, shared by the commands that train and explain it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganbench.cli.completion import names_of
from ganbench.cli.options import plugins_flag

if TYPE_CHECKING:
    from ganbench.spec.run_spec import RunSpec

OPTIONS = (
    click.option(
        "--loss",
        metavar="NAME",
        shell_complete=names_of("losses"),
        help="The loss that both networks minimise (see `ganbench list losses`).",
    ),
    click.option(
        "--arch",
        metavar="NAME",
        shell_complete=names_of("archs"),
        help="The architecture of both networks (see `ganbench list archs`).",
    ),
    click.option(
        "--dataset",
        metavar="NAME",
        shell_complete=names_of("datasets"),
        help="The data set to imitate (see `ganbench list datasets`).",
    ),
    click.option(
        "--penalty",
        "penalties",
        multiple=True,
        metavar="NAME",
        shell_complete=names_of("penalties"),
        help="Gradient penalty, for example gp:weight=10, or `none`. Default: the loss's own. Repeatable, or r1 + r2.",
    ),
    click.option(
        "--protocol",
        metavar="NAME",
        shell_complete=names_of("protocols"),
        help="Evaluation protocol (see `ganbench list protocols`). Default: ganbench-2.",
    ),
    click.option(
        "--wrapper",
        "wrappers",
        multiple=True,
        metavar="NAME",
        shell_complete=names_of("wrappers"),
        help="Change to the discriminator, as spectral-norm, or `none` (see `ganbench list wrappers`). Repeatable.",
    ),
    click.option("--pac", type=int, metavar="M", help="Show the discriminator M samples at once (PacGAN)."),
    click.option("--steps", metavar="N", help="Budget in steps; 400k and 10M are understood."),
    click.option(
        "--epochs",
        type=float,
        help="Budget in passes of the discriminator over the data. Default: 8 for images, 10 for points.",
    ),
    click.option("--critic-steps", metavar="N", help="Budget in updates of the discriminator."),
    click.option("--generator-steps", metavar="N", help="Budget in updates of the generator."),
    click.option("--images", metavar="N", help="Budget in real images seen."),
    click.option("--critic-evaluations", metavar="N", help="Budget in passes of a sample through the discriminator."),
    click.option("--batch-size", type=int, help="Real (and generated) samples per update. Default: 64."),
    click.option(
        "--eval-every", type=int, help="Steps between evaluations. Default: a twentieth of the steps, at least 100."
    ),
    click.option(
        "--stop-on",
        metavar="collapse",
        help="Stop a seed that stays collapsed for 5 evaluations (collapse:N for N). It is scored and counted.",
    ),
    click.option(
        "--precision",
        type=click.Choice(["float32", "bf16"]),
        help="Precision of products and convolutions in training; bf16 is faster where supported. Default: float32.",
    ),
    click.option(
        "--set",
        "assignments",
        multiple=True,
        metavar="TABLE.OPTION=VALUE",
        help="Any option of the spec: train.critic_lr=1e-4, arch.latent_dim=64. Repeatable.",
    ),
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        metavar="FILE.toml",
        help="Read settings from a file; options on the command line override it. `--dry-run` prints such a file.",
    ),
    plugins_flag,
)


def spec_flags(command: Any) -> Any:
    """Add the options that state a spec; the command gets their values as keyword arguments."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def spec_of(values: Mapping[str, Any]) -> RunSpec:
    """Resolve the spec that the options state. What can be refused without torch is refused before it is imported.

    Args:
        values: of the options that `spec_flags` adds, by parameter name.

    Raises:
        GanbenchError: a value is wrong.
    """
    from ganbench.core.settings import (
        merge,
        parse_assignment,
        parse_component,
        parse_components,
        parse_count,
        parse_stop,
    )
    from ganbench.spec.asked import resolve_asked
    from ganbench.spec.known_names import explain_assignment

    flags: dict[str, Any] = {
        key: parse_component(values[key]) for key in ("loss", "arch", "dataset", "protocol") if values[key] is not None
    }
    for kind, texts in (("penalty", values["penalties"]), ("wrapper", values["wrappers"])):
        if texts:
            flags[kind] = [component for text in texts for component in parse_components(text)]
    counts = ("steps", "critic_steps", "generator_steps", "images", "critic_evaluations")
    train = {key: parse_count(values[key]) for key in counts if values[key] is not None}
    plain = ("epochs", "batch_size", "pac", "precision")
    flags["train"] = train | {key: values[key] for key in plain if values[key] is not None}
    flags["evaluation"] = {"every": values["eval_every"]} if values["eval_every"] is not None else {}
    if values["stop_on"] is not None:
        flags["evaluation"] |= parse_stop(values["stop_on"])
    for assignment in values["assignments"]:
        explain_assignment(assignment, values["plugins"])
    settings = merge([flags, *map(parse_assignment, values["assignments"])])
    return resolve_asked(settings, values["config"], values["plugins"])
