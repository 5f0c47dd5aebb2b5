"""The command that trains a tracked run again."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.completion import complete_runs
from ganbench.cli.console.threads import choose_waiting
from ganbench.cli.options import device_flag, plugins_flag, store_flag


@click.command()
@click.argument("run_id", metavar="RUN", shell_complete=complete_runs)
@store_flag
@device_flag
@plugins_flag
def reproduce(run_id: str, store: str | None, device: str, plugins: tuple[Path, ...]) -> None:
    """Train a tracked RUN again, and check that the numbers agree. Nothing is tracked.

    RUN is a run id or a unique prefix: `ganbench run --dry-run` prints ids, and so does results.csv of a report. On
    the same machine and CPU the numbers must be identical bit for bit; elsewhere those of the first evaluation must
    agree within 2 %. Exits with status 1 if they don't.

    \b
      ganbench reproduce 480a2fd3ba0e
    """
    choose_waiting()
    from ganbench.core.errors import GanbenchError
    from ganbench.core.plugins import load_plugins
    from ganbench.tracking.store import find_store

    if "-" in run_id:  # as in the ids of all claims, and of no run
        raise GanbenchError(f"'{run_id}' is no run id; for a published claim: ganbench reproduce-claim {run_id}")
    load_plugins(plugins)
    from ganbench.cli.console.reproduce import reproduce_session

    raise SystemExit(reproduce_session(run_id, device=device, store=find_store(store)))
