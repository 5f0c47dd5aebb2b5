"""Commands for stores of runs: show one as a page, serve one for a group, deliver results to one."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.options import experiment_flag, store_flag


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=Path("ganbench-server"),
    show_default=True,
    help="Folder for the database, artifacts, users and logs.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option("--port", type=click.IntRange(1, 65535), default=5000, show_default=True)
@click.option(
    "--allowed-hosts",
    metavar="NAME,…",
    default="",
    help="Host names under which MLflow may be reached.",
)
@click.option(
    "--database",
    metavar="URI",
    envvar="GANBENCH_SERVER_DATABASE",
    show_envvar=True,
    help="Use this running PostgreSQL instead of starting one. All users of this machine can read an option, so set "
    "the variable instead if the URI has a password.",
)
def server(folder: Path, host: str, port: int, allowed_hosts: str, database: str | None) -> None:
    """Serve one store for a group of people: MLflow on PostgreSQL, with artifacts and a password.

    \b
    On the server (needs PostgreSQL, and `pip install 'ganbench[server]'`):
      ganbench server --host 0.0.0.0 --allowed-hosts gpu1.example.org
    Everyone else:
      export MLFLOW_TRACKING_URI=http://gpu1.example.org:5000
      export MLFLOW_TRACKING_USERNAME=… MLFLOW_TRACKING_PASSWORD=…
      ganbench sweep FILE.toml
    """
    from ganbench.tracking.group_server import Plan, serve_group

    names = tuple(name.strip() for name in allowed_hosts.split(",") if name.strip())
    raise SystemExit(serve_group(Plan(folder, host, port, names, database), say=click.echo))


@click.command()
@store_flag
def sync(store: str | None) -> None:
    """Deliver results kept on this machine because a tracking server did not answer.

    Nothing is delivered twice. Without --store, results for all servers are delivered. Exits with status 1 if some
    could not be.
    """
    from ganbench.tracking.spool import sync as deliver

    failed = False
    nothing = True
    for uri, experiment, arrived, trouble in deliver(store):
        nothing = False
        click.echo(f"{uri}, experiment {experiment}: {arrived} run{'s' * (arrived != 1)} delivered")
        if trouble:
            failed = True
            click.echo(f"   not all: {trouble}", err=True)
    if nothing:
        click.echo("there is nothing to deliver")
    raise SystemExit(int(failed))


@click.command()
@experiment_flag
@store_flag
@click.option("--port", type=click.IntRange(0, 65535), default=5000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
def ui(experiment: str, store: str | None, port: int, host: str) -> None:
    """Open the MLflow page of a store in the browser, and print its address."""
    from ganbench.tracking.store import find_store
    from ganbench.tracking.ui import serve

    raise SystemExit(serve(find_store(store), experiment, host, port, say=click.echo))
