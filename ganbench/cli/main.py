"""The command `ganbench`: its commands in the order in which users need them, and its errors on one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from ganbench.cli.claims import claims, reproduce_claim
from ganbench.cli.compare import compare
from ganbench.cli.completion import completion
from ganbench.cli.components import check, list_components, show
from ganbench.cli.data import data
from ganbench.cli.doctor import doctor
from ganbench.cli.evaluate import evaluate
from ganbench.cli.experiments import experiments
from ganbench.cli.explain import explain
from ganbench.cli.export import export
from ganbench.cli.leaderboard import leaderboard
from ganbench.cli.report import report
from ganbench.cli.reproduce import reproduce
from ganbench.cli.rescore import rescore
from ganbench.cli.run import run
from ganbench.cli.sample import sample
from ganbench.cli.server import server, sync, ui
from ganbench.cli.sweep import status, sweep
from ganbench.core.errors import GanbenchError
from ganbench.core.home import ensure_home
from ganbench.core.output_encoding import spell_unencodable_output
from ganbench.core.plain_text import one_line
from ganbench.core.version import __version__

INTERRUPTED = 130
WHOLE = 1000
"""The most characters of a short help: all of its first sentence."""


class _Commands(click.Group):
    """A group that prints our errors as click prints its own: on one line, with exit status 2."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        spell_unencodable_output()
        return super().main(*arguments, **options)

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with _plain_messages():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with _plain_messages():
                return super().invoke(ctx)
        except GanbenchError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(2)
        except BrokenPipeError:
            raise  # the pipe was closed; click exits quietly
        except OSError as error:
            click.echo(f"Error: {one_line(str(error))}", err=True)
            ctx.exit(2)
        except MemoryError:
            click.echo("Error: there is too little memory: free some, or give fewer samples or rows", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order in which users need them

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups = {"Train": TRAINING, "Look": READING, "Score": MEASURING, "Use": USING, "Extend": EXTENDING}
        for title, commands in groups.items():
            with formatter.section(title):
                formatter.write_dl([(str(command.name), command.get_short_help_str(WHOLE)) for command in commands])


@contextmanager
def _plain_messages() -> Iterator[None]:
    """Let click's errors quote no characters that would control the terminal."""
    try:
        yield
    except click.UsageError as error:
        message = error.format_message()
        if one_line(message) == message:
            raise
        raise click.UsageError(one_line(message), error.ctx) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ganbench")
def main() -> None:
    """Train GANs, measure mode collapse, and compare what prevents it.

    \b
    A first run (a few minutes on a CPU), the same until it collapses, and both in a report:
      ganbench run --loss minimax --arch mlp
      ganbench run --loss minimax --arch mlp --set train.n_generator=5
      ganbench report
    """
    ensure_home()


TRAINING = (run, sweep, status, reproduce)
READING = (compare, leaderboard, report, claims, reproduce_claim, ui, sync, server)
MEASURING = (evaluate, rescore, doctor)
USING = (sample, export)
EXTENDING = (list_components, show, explain, experiments, check, data, completion)
for command in (*TRAINING, *READING, *MEASURING, *USING, *EXTENDING):
    main.add_command(command)
