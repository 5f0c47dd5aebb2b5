"""The public function that reads results as a table."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from ganbench.results.csv_file import read_csv
from ganbench.results.loading import load_results as load_experiment
from ganbench.results.selection import select as select_scores
from ganbench.results.table import LAST
from ganbench.tracking.store import EXPERIMENT, find_store


def load_results(
    experiment: str = EXPERIMENT,
    *,
    store: str | os.PathLike[str] | None = None,
    source: str | os.PathLike[str] | None = None,
    history: bool = False,
    select: str = LAST,
) -> pd.DataFrame:
    """Read the results of an experiment, or of a report's results.csv, as a table with a row per number.

    Its columns are `run`, `group`, `dataset`, `arch`, `loss`, `options`, `seed`, `status`, `step`, `kind`, `metric`,
    `value` and those that [the table of columns](howto/pandas.md) describes beside them.

    Args:
        experiment: name of the experiment.
        store: folder or MLflow tracking URI; by default $MLFLOW_TRACKING_URI, or else ./mlruns-ganbench.
        source: path of a results.csv, which is read instead of a store.
        history: whether to read the values at every step, instead of the last ones. Has no effect on a results.csv,
            which holds what was written into it.
        select: which scores count as final: "last", "best:METRIC" during training, or "mean:K" over the last K
            evaluations.

    Raises:
        GanbenchError: there is no such store, experiment, file or policy, or there are no runs.
    """
    if source is not None:
        table = read_csv(Path(source)).table
    else:
        place = find_store(None if store is None else os.fspath(store))
        table = load_experiment(place, experiment, history=history or select != LAST).table
    return select_scores(table, select)
