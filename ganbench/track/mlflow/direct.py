"""A local store's runs read from its tables: what MLflow's own objects say, in a fraction of the time."""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import cast

from ganbench.track import RunRecord, Status
from ganbench.track.mlflow.connection import GROUP, KIND, RUN, SEED, STATUS

OURS = "ganbench."
EVENT = "event/"
NAMES = 200
"""Metrics that are asked for by name; SQLite takes a thousand."""


def read_local(
    database: Path, experiment: str, *, history: bool, metrics: Collection[str] | None
) -> list[RunRecord] | None:
    """As `reading.read_runs`; None where there is no such experiment, or the tables are others than we know."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            return _read(connection, experiment, history, metrics)
    except sqlite3.Error:
        return None


def _read(
    connection: sqlite3.Connection, experiment: str, history: bool, metrics: Collection[str] | None
) -> list[RunRecord] | None:
    found = connection.execute("select experiment_id from experiments where name = ?", (experiment,)).fetchone()
    if found is None:
        return None
    connection.execute("pragma temp_store = memory")
    connection.execute("create temp table ours (run_uuid text primary key, place integer)")
    connection.execute(
        "insert into ours select r.run_uuid, row_number() over (order by r.start_time, r.run_uuid) from runs r "
        "join tags t on t.run_uuid = r.run_uuid and t.key = ? and t.value = 'seed' "
        "where r.experiment_id = ? and r.lifecycle_stage = 'active'",
        (KIND, found[0]),
    )
    tags, params = defaultdict[str, dict[str, str]](dict), defaultdict[str, dict[str, str]](dict)
    for kind, table in ((tags, "tags"), (params, "params")):
        for run, key, value in connection.execute(
            f"select m.run_uuid, m.key, m.value from ours join {table} m on m.run_uuid = ours.run_uuid"
        ):
            kind[run][key] = value
    rows = defaultdict[str, list[tuple[str, int, float]]](list)
    # The last value of each, but every event: it may have come more than once.
    if history:
        _collect(connection, "metrics", metrics, "", rows)
    else:
        _collect(connection, "latest_metrics", metrics, f"and m.key not like '{EVENT}%'", rows)
        _collect(connection, "metrics", None, f"and m.key like '{EVENT}%'", rows)
    records: dict[str, RunRecord] = {}
    for (run,) in connection.execute("select run_uuid from ours order by place"):
        own = tags[run]
        # Of two with one id, which a repeated request can leave, the older is the one that is written to.
        records.setdefault(
            own[RUN],
            RunRecord(
                id=own[RUN],
                group=own[GROUP],
                seed=int(own[SEED]),
                status=cast(Status, own[STATUS]),
                params=params[run],
                tags={name.removeprefix(OURS): value for name, value in own.items() if name.startswith(OURS)},
                history=rows[run],
            ),
        )
    return list(records.values())


def _collect(
    connection: sqlite3.Connection,
    table: str,
    metrics: Collection[str] | None,
    condition: str,
    rows: dict[str, list[tuple[str, int, float]]],
) -> None:
    named = sorted(metrics)[:NAMES] if metrics is not None and len(metrics) <= NAMES else []
    if named:
        condition += f" and (m.key in ({', '.join('?' * len(named))}) or m.key like '{EVENT}%')"
    for run, key, step, value, is_nan in connection.execute(
        f"select m.run_uuid, m.key, m.step, m.value, m.is_nan from ours join {table} m on m.run_uuid = ours.run_uuid "
        f"{condition} order by m.key, m.timestamp, m.step",
        named,
    ):
        rows[run].append((key, step, math.nan if is_nan else value))
