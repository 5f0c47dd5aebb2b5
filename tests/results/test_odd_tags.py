"""Tags and parameters that somebody changed in MLflow: an error of one line that names the tag, or no harm."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from ganbench.core.errors import GanbenchError
from ganbench.results.loading import load_headline, load_results
from ganbench.runs.reproduce import spec_of
from ganbench.spec.run_spec import resolve
from ganbench.tracking import COST_TAG, RunInfo
from ganbench.tracking.annotations import ANNOTATION_TAGS
from ganbench.tracking.ensemble_seeds import SEEDS_TAG
from ganbench.tracking.metric_facts import METRIC_TAGS
from ganbench.tracking.mlflow.client import ask_runs, find_run, read_statuses
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import Store, find_store

RUN = "0123456789ab"
TAGS = (
    *("run", "seed", "status", "group", "kind", "spec", "ended-at", SEEDS_TAG, f"{COST_TAG}images"),
    *(*ANNOTATION_TAGS, *METRIC_TAGS, "beside-scores/0"),
)
VALUES = (None, "", "x", "-1", "²", "1e400", str(10**30), "null", "[1", "[1, 2]", '{"a": 1}', '{"a": [1, 2, 3]}')
"""None: the tag is deleted."""
FAST: dict[str, Callable[[Store], object]] = {
    "table": lambda store: load_results(store, "e", history=True),
    "headline": lambda store: load_headline(store, "e"),
}
THROUGH_MLFLOW: dict[str, Callable[[Store], object]] = {
    "records": lambda store: ask_runs(store, "e", history=False),
    "statuses": lambda store: read_statuses(store, "e"),
    "status": lambda store: MlflowTracker(store, "e").status(RUN),
    "spec": lambda store: spec_of(find_run(store, RUN)[1]),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = find_store(str(tmp_path_factory.mktemp("tags") / "store"))
    spec = resolve({})
    tags = dict.fromkeys(ANNOTATION_TAGS, "") | {"seed": "0", f"{COST_TAG}images": "64", SEEDS_TAG: "0,1"}
    run = RunInfo(RUN, "title", {"loss": "minimax"}, {**tags, "spec": "{}", "extra-metrics": "{}", "metrics": "{}"})
    log = MlflowTracker(store, "e").open(run, RunInfo(spec.group_id, "group", {}))
    log.metrics(10, {"fid": 1.0, "floor/fid": 0.5})
    log.finish("stopped", 10)
    return store


@pytest.mark.parametrize("tag", TAGS)
def test_odd_tag_is_harmless_or_an_error_of_one_line(tag: str, store: Store) -> None:
    for value in VALUES:
        with changed(store, tag, value):
            for read in FAST.values():
                with suppress(GanbenchError):
                    read(store)


@pytest.mark.parametrize(
    ("tag", "value"), [("run", None), ("seed", "x"), ("status", None), ("status", "x"), ("group", None), ("spec", "[1")]
)
def test_odd_tag_is_harmless_or_an_error_of_one_line_through_mlflow(tag: str, value: str | None, store: Store) -> None:
    with changed(store, tag, value):
        for read in THROUGH_MLFLOW.values():
            with suppress(GanbenchError):
                read(store)


@pytest.mark.parametrize(
    ("tag", "value", "problem"),
    [
        ("seed", "x", f"the tag 'ganbench.seed' of the run {RUN} must be a whole number ('x'): correct it in MLflow"),
        ("seed", None, f"the tag 'ganbench.seed' of the run {RUN} is missing: correct it in MLflow"),
        ("run", None, "the tag 'ganbench.run' of the run without an id is missing"),
        ("status", "done", "the tag 'ganbench.status'"),
        ("ended-at", "1e400", "the tag 'ganbench.ended-at'"),
        ("dose", "[1]", "the tag 'ganbench.dose'"),
        ("dose", '{"a": "b"}', "the tag 'ganbench.dose'"),
        ("metrics", '{"fid": 1}', "the tag 'ganbench.metrics'"),
        ("beside-scores/0", "[1, 2]", f"the tag 'ganbench.beside-scores/0' of the run {RUN} isn't as it was written"),
    ],
)
def test_error_says_which_tag_of_which_run_is_meant(tag: str, value: str | None, problem: str, store: Store) -> None:
    with changed(store, tag, value), pytest.raises(GanbenchError) as error:
        load_results(store, "e")
    assert str(error.value).startswith(problem)
    assert "\n" not in str(error.value)


@contextmanager
def changed(store: Store, tag: str, value: str | None) -> Iterator[None]:
    """Set or delete a tag of the run."""
    before = change(store, tag, value)
    try:
        yield
    finally:
        change(store, tag, before)


def change(store: Store, tag: str, value: str | None) -> str | None:
    """Set or delete a tag; return what it was."""
    with closing(sqlite3.connect(store.database)) as connection, connection:
        run = connection.execute("select run_uuid from tags where key = 'mlflow.parentRunId'").fetchone()[0]
        key = f"ganbench.{tag}"
        before = connection.execute("select value from tags where run_uuid = ? and key = ?", (run, key)).fetchone()
        connection.execute("delete from tags where run_uuid = ? and key = ?", (run, key))
        if value is not None:
            connection.execute("insert into tags (key, value, run_uuid) values (?, ?, ?)", (key, value, run))
    return None if before is None else str(before[0])
