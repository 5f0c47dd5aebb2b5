"""Commands for published results: list them, and reproduce one."""

from __future__ import annotations

import re
from pathlib import Path

import click

from ganbench.cli.console.threads import choose_waiting
from ganbench.cli.options import device_flag, format_flag, seeds_flag, store_flag, where_flag


@click.command()
@where_flag
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar="CSV",
    help="Read your own table of claims, with the same columns.",
)
@format_flag("table", "markdown", "csv", "json")
def claims(where: tuple[str, ...], source: Path | None, style: str) -> None:
    """List published numbers, with their protocols, runs and caveats.

    A number can be compared with ours only under the protocol shown beside it. Where none is shown, none of our
    protocols measures the same, and the caveat says why. Which of two methods is better can be compared more often:
    where our studies trained both, sentences below the table say if the order carries over.

    \b
      ganbench claims --where dataset=ring
      ganbench claims --where paper=PacGAN,metric=modes --format markdown
    """
    from ganbench.core.screen import screen_width, wrapped
    from ganbench.core.settings import parse_where
    from ganbench.results.claims import PUBLISHED, read_claims, select
    from ganbench.results.claims.studied import read_studied
    from ganbench.results.report.claims import render_claims

    selected = select(read_claims(source or PUBLISHED), parse_where(where))
    width = screen_width()
    click.echo(render_claims(selected, style, width, () if source else read_studied()))
    if style == "table" and source is None and len(selected):
        command = f"ganbench reproduce-claim {selected[0].id}"
        click.echo(f"\n{wrapped(f'{command} says how to reproduce it; --format csv has all ids', width)}")


@click.command("reproduce-claim")
@click.argument("claim_id", metavar="CLAIM")
@store_flag
@device_flag
@seeds_flag
@click.option("--train", is_flag=True, help="Train the seeds that haven't been trained, with the paper's budget.")
def reproduce_claim(claim_id: str, store: str | None, device: str, seeds: str | None, train: bool) -> None:
    """Print the experiment that reproduces a published CLAIM, its cost, and what its seeds say.

    CLAIM is an id of `ganbench claims --format csv`. The cost is an estimate of the training time on this machine. The
    seeds are compared with the claim if they have been trained, which --train does.

    \b
      ganbench reproduce-claim pacgan-table-1-ring-pacgan2-modes
      ganbench reproduce-claim pacgan-table-1-ring-pacgan2-modes --train --seeds 0-4
    """
    choose_waiting()
    from ganbench.core.errors import GanbenchError
    from ganbench.core.registry import near_miss
    from ganbench.core.settings import parse_seeds
    from ganbench.results.claims import read_claims
    from ganbench.tracking.store import find_store

    published = {claim.id: claim for claim in read_claims()}
    if claim_id not in published:
        if re.fullmatch("[0-9a-f]+", claim_id):
            raise GanbenchError(f"'{claim_id}' is no claim; for a tracked run: ganbench reproduce {claim_id}")
        raise GanbenchError(f"there is no claim '{claim_id}': {near_miss(claim_id, list(published))}")
    from ganbench.cli.console.reproduce_claim import reproduce_claim_session

    status = reproduce_claim_session(
        published[claim_id],
        seeds=parse_seeds(seeds) if seeds is not None else None,
        train=train,
        device=device,
        store=find_store(store),
    )
    raise SystemExit(status)
