"""Finished runs of a local store in a few words, for completion: one query, since records of runs take longer."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from ganbench.tracking.mlflow.names import KIND, RUN, SEED, STATUS
from ganbench.tracking.mlflow.records import TAG_PREFIX
from ganbench.tracking.mlflow.snapshot import database_to_read
from ganbench.tracking.store import Store

QUERY = f"""
    select t.value, coalesce(nullif(n.value, ''), l.value, ''), coalesce(d.value, ''), s.value
    from tags t
    join tags k on k.run_uuid = t.run_uuid and k.key = '{KIND}' and k.value = 'seed'
    join tags e on e.run_uuid = t.run_uuid and e.key = '{STATUS}' and e.value in ('finished', 'collapsed')
    join tags s on s.run_uuid = t.run_uuid and s.key = '{SEED}'
    join runs r on r.run_uuid = t.run_uuid and r.lifecycle_stage = 'active'
    left join tags n on n.run_uuid = t.run_uuid and n.key = '{TAG_PREFIX}name'
    left join params l on l.run_uuid = t.run_uuid and l.key = 'loss'
    left join params d on d.run_uuid = t.run_uuid and d.key = 'dataset'
    where t.key = '{RUN}' and substr(t.value, 1, length(?)) = ? order by r.start_time desc
"""
"""Ids, names of methods or else losses, data sets and seeds, the newest first."""


def finished_runs(store: Store, start: str) -> dict[str, str]:
    """Return which method, data set and seed a run is of, by its id, of the finished runs whose ids begin like this.

    None are returned of a server, which may take long to answer, and of a store that can't be read.
    """
    if not store.local or not store.exists():
        return {}
    try:
        with closing(sqlite3.connect(f"{database_to_read(store).as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(QUERY, (start, start)).fetchall()
    except sqlite3.Error:
        return {}
    return {run: f"{method} on {dataset}, seed {seed}" for run, method, dataset, seed in rows}
