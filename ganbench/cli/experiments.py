"""The command that lists the experiments that come with ganbench."""

from __future__ import annotations

import click

from ganbench.core.plain_text import plain_lines


@click.command()
def experiments() -> None:
    """List the experiments that come with ganbench, each with its question.

    \b
    Their names are arguments of `sweep` and `status`:
      ganbench sweep balance --dry-run
    """
    from ganbench.core.experiment_files import experiment_files
    from ganbench.core.screen import screen_width, wrapped
    from ganbench.core.settings import read_config

    files = experiment_files()
    width = max(map(len, files), default=0)
    for name, path in files.items():
        question = " ".join(str(read_config(path).get("question", "")).split())
        sentence = f"{question.partition('?')[0]}?" if "?" in question else question
        click.echo(plain_lines(wrapped(f"{name:{width}}  {sentence}", screen_width(), indent=" " * (width + 2))))
