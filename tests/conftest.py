"""Shared fixtures and helpers: plug-ins given with `--plugin FILE`, real MNIST, and a spec that trains in a second."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import torch

from ganbench.core.errors import GanbenchError
from ganbench.core.plugins import SOURCE, load_plugins
from ganbench.core.settings import merge
from ganbench.data.labelled import LabelledImages
from ganbench.data.mnist import Mnist
from ganbench.spec import sweep_plan
from ganbench.spec.registries import REGISTRIES
from ganbench.spec.run_spec import RunSpec, resolve

SMALL = {
    "arch": {"name": "mlp", "latent_dim": 8, "generator_widths": [16], "critic_widths": [16]},
    "train": {"steps": 12, "batch_size": 16},
    "evaluation": {"every": 6, "quick_samples": 500, "samples": 1000},
}

PATIENCE = 300.0
"""Seconds that a test waits for something: on a busy machine, a process may take a minute to start."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--plugin", action="append", default=[], help="A Python file whose components are checked, too.")


def pytest_configure(config: pytest.Config) -> None:
    # pytest-xdist states a width; what tests read comes from a pipe, whose lines are not wrapped.
    os.environ.pop("COLUMNS", None)
    # Before collection, so that tests are parametrized with the plug-ins' components as well.
    load_plugins(Path(name) for name in config.getoption("--plugin"))


def small_spec(**settings: object) -> RunSpec:
    """A spec that trains in a second; `settings` override its options."""
    return resolve(merge([SMALL, settings]))


def random_data(count: int = 200) -> LabelledImages:
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 1, 28, 28), generator=random, dtype=torch.uint8)
    labels = torch.arange(count) % 10
    return LabelledImages(images, labels, images, labels, tuple("0123456789"))


@contextmanager
def forgotten_plugins() -> Iterator[None]:
    """Forget the components that are registered meanwhile, a plug-in's or a test's own, so that nothing meets them."""
    before, modules = {kind: set(registry) for kind, registry in REGISTRIES.items()}, set(sys.modules)
    yield
    for name in set(sys.modules) - modules:
        if SOURCE in vars(sys.modules[name]):
            del sys.modules[name]
    for kind, registry in REGISTRIES.items():
        for name in set(registry) - before[kind]:
            if registry[name].is_foreign():  # ours are imported once, and would never come back
                registry._classes.pop(name, None)  # a user's own data set is in no registry


@pytest.fixture(autouse=True)
def _plugins_of_one_test() -> Iterator[None]:
    with forgotten_plugins():
        yield


@pytest.fixture(autouse=True)
def _plans_of_one_test(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the plans of a test's experiment files out of the user's cache."""
    monkeypatch.setattr(sweep_plan, "user_cache_folder", lambda: tmp_path_factory.getbasetemp() / "cache")


@pytest.fixture(autouse=True)
def _databases_migrated_once(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin every store with a copy of one empty database, since MLflow's migrations take a second each time."""
    connection = sys.modules.get("ganbench.tracking.mlflow.connection")
    if connection is None:
        return  # tests without a store don't import MLflow
    create, empty = connection.SqlAlchemyStore, tmp_path_factory.getbasetemp() / "empty.db"

    def copy(uri: str, artifacts: str) -> None:
        if not empty.exists():
            create(connection.mlflow_uri(empty), artifacts)
        database = shutil.copyfile(empty, connection.make_url(uri).database)
        with closing(sqlite3.connect(database)) as opened, opened:
            opened.execute("update experiments set artifact_location = ? || '/' || experiment_id", (artifacts,))

    monkeypatch.setattr(connection, "SqlAlchemyStore", copy)


@pytest.fixture(scope="session")
def mnist() -> LabelledImages:
    """Real MNIST. If it is unavailable, tests that need it fail with the reason."""
    try:
        return Mnist().load(torch.device("cpu"))
    except GanbenchError as error:
        pytest.fail(f"this test needs MNIST: {error}")


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Use a single thread: tiny networks gain nothing from more, and threads wait for each other on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
