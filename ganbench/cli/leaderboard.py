"""The command that ranks the methods of result files, and checks such a file by training again."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.console.threads import choose_waiting
from ganbench.cli.options import device_flag, format_flag, plugins_flag
from ganbench.core.errors import GanbenchError

REPORTS = "reports/*/results.csv"


@click.command()
@click.argument("sources", nargs=-1, type=click.Path(path_type=Path), metavar="[CSV]...")
@click.option("--dataset", metavar="NAME", help="Rank the methods on this data set only.")
@format_flag("table", "markdown", "csv")
@click.option("--check", is_flag=True, help="Train the first seed of each method again, and compare its numbers.")
@click.option("--method", metavar="NAME", help="With --check: check this method only.")
@device_flag
@plugins_flag
def leaderboard(
    sources: tuple[Path, ...],
    dataset: str | None,
    style: str,
    check: bool,
    method: str | None,
    device: str,
    plugins: tuple[Path, ...],
) -> None:
    """Rank methods by the coverage of their worst mode, and by how unevenly they cover the modes.

    CSV is the results.csv of a report or an export; by default all reports in ./reports. There is a table for each data
    set, protocol and number of samples, since other scores can't be compared. Every seed counts: those that
    failed rank worst. Methods that the seeds can't tell from the best one are marked as undecided.

    With --check, the first seed of each method in the files is trained again from the options in the file. On the same
    kind of device, with the same versions of torch and ganbench, its numbers must be identical bit for bit; elsewhere
    those of the first evaluation must agree within 2 %. Exits with status 1 if they don't, and with 2 if a method can't
    be checked.

    \b
      ganbench leaderboard
      ganbench leaderboard --dataset ring --format markdown
      ganbench leaderboard --check results.csv --method r3gan --plugin mine.py
    """
    if not check and (method is not None or plugins):
        raise GanbenchError("--method and --plugin are for checking: add --check")
    if check and not sources:
        raise GanbenchError("name the file to check: ganbench leaderboard --check results.csv")
    sources = sources or tuple(sorted(Path().glob(REPORTS)))
    if not sources:
        raise GanbenchError(f"there is no {REPORTS} here: name a results.csv, or write one with `ganbench report`")
    if check:
        choose_waiting()
    from ganbench.core.screen import screen_width
    from ganbench.results.csv_file import read_csv
    from ganbench.results.leaderboard import boards, join
    from ganbench.results.report.leaderboard import render_leaderboard

    table, repeated = join([read_csv(source).table for source in sources])
    ranked = boards(table, dataset)
    if not check:
        click.echo(render_leaderboard(ranked, style, screen_width()))
        if repeated:
            click.echo(f"{repeated:,} runs are in several files, and count once, as the first file has them", err=True)
        return
    from ganbench.core.plugins import load_plugins

    load_plugins(plugins)
    from ganbench.cli.console.leaderboard_check import check_session

    raise SystemExit(check_session(table, ranked, method=method, device=device))
