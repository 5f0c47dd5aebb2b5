"""Images without labels on their way: wherever a person reads of their clusters, they are called that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import ganbench
from ganbench.data.own import clusters, recipe
from ganbench.results.csv_file import read_csv
from ganbench.results.views import noun_of
from tests.data.own.pictures_of_shapes import CLASSES, shapes
from tests.end_to_end.commands import SMALL, read, tags

LEAST = [
    *("--set", "evaluation.samples=500", "--set", "evaluation.quick_samples=500", "--dataset", "heap"),
    *("--steps", "8", "--eval-every", "2"),
]
OTHER_WORDS = re.compile(r"(?<![a-z])(modes?|class(es)?)(?![a-z])", re.IGNORECASE)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Iterator[Path]:
    """A folder with the data set `heap`, and a store with a run of it in which a cluster is lost."""
    folder = tmp_path_factory.mktemp("place")
    images, labels = shapes(1_530)
    np.savez(folder / "heap.npz", images=images)
    noise = np.random.default_rng(0).normal(size=(len(labels), 3))
    np.save(folder / "features.npy", 20 * np.eye(3)[labels] + noise)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANBENCH_DATA", str(folder / "data"))
        patch.setattr(recipe, "MIN_STEPS", 60)
        patch.setattr(recipe, "EPOCHS", 1)
        patch.setattr(clusters, "RESAMPLES", 3)
        words = ("data", "add", "heap", folder / "heap.npz", "--clusters", len(CLASSES))
        read(*map(str, words), "--features", folder / "features.npy")
        read("run", *SMALL, *LEAST, "--seeds", "0-1", "--store", folder / "store")
        yield folder


def check(text: str) -> None:
    """Refuse other words for clusters."""
    lines = [line for line in text.splitlines() if OTHER_WORDS.search(line)]
    assert not lines
    assert "cluster" in text


def test_verdicts_and_tables_of_samples_speak_of_clusters(place: Path) -> None:
    images, labels = shapes(1_000, seed=1)
    np.savez(place / "crosses.npz", samples=np.concatenate([images[labels == 0]] * 2)[:500])
    for style in ("table", "markdown"):
        check(read("evaluate", place / "crosses.npz", "--dataset", "heap", "--count", "500", "--format", style))


def test_runs_and_comparisons_and_reports_speak_of_clusters(place: Path) -> None:
    store = ("--store", place / "store")
    check(read("run", *SMALL, *LEAST, "--seeds", "2", *store))
    check(read("compare", *store))
    shown = read("compare", *store, "--metric", "worst_cluster_coverage,clusters_strict")
    assert shown == read("compare", *store, "--metric", "worst_mode_coverage,modes_strict")
    assert "clusters_strict" in shown
    runs = tags(place / "store", "run")[:2]
    check(read("compare", *store, "--run", runs[0], "--run", runs[1]))
    read("report", *store, "--out", place / "reports")
    (report,) = place.glob("reports/*/report.html")
    check(report.with_suffix(".md").read_text(encoding="utf-8"))
    page = re.sub(r"<(style|script).*?</\1>", "", report.read_text(encoding="utf-8"), flags=re.DOTALL)
    labels = " ".join(re.findall(r'(?:aria-label|alt|title)="([^"]*)"', page))
    check(re.sub(r"<[^>]*>", "\n", page) + labels)
    table = read_csv(report.with_name("results.csv")).table
    assert noun_of(table) == "clusters"
    assert any(re.search("Clusters at the end", path.read_text()) for path in (report.parent / "figures").iterdir())


def test_monitor_speaks_of_clusters(place: Path) -> None:
    images, labels = shapes(1_000, seed=2)
    watch = ganbench.Monitor(dataset="heap", samples=500)
    watch(1, images[:500, None])
    watch(2, np.concatenate([images[labels == 0]] * 2)[:500, None])
    assert [event.kind for event in watch.events][:1] == ["missing-modes"]
    check(watch.summary())
    watch.save(place / "watched")
    check((place / "watched" / "summary.txt").read_text(encoding="utf-8"))
