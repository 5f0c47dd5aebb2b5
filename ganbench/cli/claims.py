"""The command for published results."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.options import where_flag


@click.command()
@where_flag
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar="CSV",
    help="Read your own table of claims, with the same columns.",
)
@click.option(
    "--format", "style", type=click.Choice(["table", "markdown", "csv", "json"]), default="table", show_default=True
)
def claims(where: tuple[str, ...], source: Path | None, style: str) -> None:
    """List published numbers, with their protocols, runs and caveats.

    A number can be compared with ours only under the protocol shown beside it. Where none is shown, none of our
    protocols measures the same, and the caveat says why.

    \b
      ganbench claims --where dataset=ring
      ganbench claims --where paper=PacGAN,metric=modes --format markdown
    """
    from ganbench.core.settings import parse_where
    from ganbench.results.claims import PUBLISHED, read_claims, select
    from ganbench.results.report.claims import render_claims

    chosen = select(read_claims(source or PUBLISHED), parse_where(where))
    click.echo(render_claims(chosen, style))
    if style == "table" and source is None and len(chosen):
        click.echo(f"\nganbench reproduce {chosen[0].id} says how to see for yourself; --format csv has all ids")
