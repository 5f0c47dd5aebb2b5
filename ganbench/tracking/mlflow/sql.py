"""Direct reads from a local store's tables: the same data as MLflow's objects, in a fraction of the time."""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path

from ganbench.tracking.base import RunRecord
from ganbench.tracking.metric_names import PREFIXES
from ganbench.tracking.mlflow.beside_scores import with_numbers_beside
from ganbench.tracking.mlflow.names import KIND, RUN, deleted_experiment
from ganbench.tracking.mlflow.pictures import chosen
from ganbench.tracking.mlflow.records import our_tags, run_record
from ganbench.tracking.mlflow.relocation import run_folder

Needed = Callable[[Iterable[Mapping[str, str]]], Collection[str]]
"""A function from the tags of all runs to the tracked names that are needed."""

EVENT = PREFIXES["event"]
MAX_NAMED_METRICS = 400
"""The most metrics that are queried by name; SQLite allows a thousand."""


def read_local(database: Path, experiment: str, *, history: bool, needed: Needed | None) -> list[RunRecord] | None:
    """Read runs as `reading.read_runs` does; None if there is no such experiment, or the schema is unknown."""
    try:
        with closing(_open(database)) as connection:
            return _read(connection, experiment, history, needed)
    except sqlite3.Error:
        return None


def read_local_images(
    database: Path, artifacts: Path, name: str, runs: Collection[str], most: int
) -> dict[str, dict[int, bytes]] | None:
    """Read pictures as `reading.read_images` does; None if the schema is unknown, or pictures are stored elsewhere.

    Args:
        artifacts: the folder of the experiment's artifacts, which has its name.
    """
    artifact_uris = _artifact_uris(database, artifacts.name, runs)
    if artifact_uris is None or not all(uri.startswith(("file:", "/")) for uri in artifact_uris.values()):
        return None
    pictures = {}
    for run, uri in sorted(artifact_uris.items()):
        folder = run_folder(uri, artifacts) / "images"
        paths = chosen(map(str, folder.glob("*.png")), name, most)
        if paths:
            pictures[run] = {step: Path(path).read_bytes() for step, path in paths.items()}
    return pictures


def _artifact_uris(database: Path, experiment: str, runs: Collection[str]) -> dict[str, str] | None:
    """Return the artifact locations of some runs, of two with one id the older's; None as in `read_local`."""
    try:
        with closing(_open(database)) as connection:
            connection.execute("create temp table asked (run text primary key)")
            connection.executemany("insert into asked values (?)", [(run,) for run in set(runs)])
            cursor = connection.execute(
                "select asked.run, r.artifact_uri from asked join tags t on t.value = asked.run and t.key = ? "
                "join tags k on k.run_uuid = t.run_uuid and k.key = ? and k.value = 'seed' "
                "join runs r on r.run_uuid = t.run_uuid join experiments e on e.experiment_id = r.experiment_id "
                "where e.name = ? and r.lifecycle_stage = 'active' order by r.start_time desc, r.run_uuid desc",
                (RUN, KIND, experiment),
            )
            return dict(cursor.fetchall())  # the older of two runs comes last
    except sqlite3.Error:
        return None


def _open(database: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    connection.execute("pragma temp_store = memory")
    return connection


def _read(
    connection: sqlite3.Connection, experiment: str, history: bool, needed: Needed | None
) -> list[RunRecord] | None:
    experiment_row = connection.execute(
        "select experiment_id, lifecycle_stage from experiments where name = ?", (experiment,)
    ).fetchone()
    if experiment_row is None:
        return None
    if experiment_row[1] == "deleted":
        raise deleted_experiment(experiment)
    connection.execute("create temp table ours (place integer primary key, run_uuid text unique)")
    connection.execute(
        "insert into ours select row_number() over (order by r.start_time, r.run_uuid), r.run_uuid from runs r "
        "join tags t on t.run_uuid = r.run_uuid and t.key = ? and t.value = 'seed' "
        "where r.experiment_id = ? and r.lifecycle_stage = 'active'",
        (KIND, experiment_row[0]),
    )
    tags, params = defaultdict[str, dict[str, str]](dict), defaultdict[str, dict[str, str]](dict)
    for table_values, table in ((tags, "tags"), (params, "params")):
        for run, key, value in connection.execute(
            f"select m.run_uuid, m.key, m.value from ours join {table} m on m.run_uuid = ours.run_uuid"
        ):
            table_values[run][key] = value
    metrics = None if needed is None else needed([our_tags(run_tags) for run_tags in tags.values()])
    rows = defaultdict[str, list[tuple[str, int, float]]](list)
    # The last value of each metric, but all values of events, which may occur more than once.
    if history:
        _collect(connection, "metrics", metrics, "", rows)
    else:
        _collect(connection, "latest_metrics", metrics, f"and m.key not like '{EVENT}%'", rows)
        _collect(connection, "metrics", None, f"and m.key like '{EVENT}%'", rows)
    records: dict[str, RunRecord] = {}
    for (run,) in connection.execute("select run_uuid from ours order by place"):
        numbers = with_numbers_beside(rows[run], tags[run], history=history, needed=metrics)
        record = run_record(tags[run], params[run], numbers)
        # A repeated request can leave two runs with one id; the older is the one written to.
        records.setdefault(record.id, record)
    return list(records.values())


def _collect(
    connection: sqlite3.Connection,
    table: str,
    metrics: Collection[str] | None,
    condition: str,
    rows: dict[str, list[tuple[str, int, float]]],
) -> None:
    named = sorted(metrics)[:MAX_NAMED_METRICS] if metrics is not None and len(metrics) <= MAX_NAMED_METRICS else []
    if named:
        condition += f" and (m.key in ({', '.join('?' * len(named))}) or m.key like '{EVENT}%')"
    joined = f"from ours cross join {table} m on m.run_uuid = ours.run_uuid {condition}"
    cursor = connection.execute(
        f"select m.key, m.step, case when m.is_nan then null else m.value end {joined} order by ours.place, m.rowid",
        named,
    )
    numbers = iter([row if row[2] is not None else (row[0], row[1], math.nan) for row in cursor])
    for run, count in connection.execute(
        f"select ours.run_uuid, count(*) {joined} group by ours.place order by ours.place", named
    ):
        rows[run] += islice(numbers, count)
