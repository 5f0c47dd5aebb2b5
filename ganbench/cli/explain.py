"""The command that explains one spec."""

from __future__ import annotations

from typing import Any

import click

from ganbench.cli.spec_flags import spec_flags, spec_of


@click.command()
@spec_flags
def explain(**values: Any) -> None:
    """Print the whole algorithm that `run` with these options would train, on one screen.

    Losses and penalties are shown as the code that computes them.

    \b
      ganbench explain --loss wgan-gp --arch mlp
      ganbench explain --dataset ring --loss r3gan --set train.ema=0.05
    """
    spec = spec_of(values)
    from ganbench.cli.console.explanation import explanation
    from ganbench.cli.console.terminal import Terminal

    Terminal().print(explanation(spec), soft_wrap=True)
