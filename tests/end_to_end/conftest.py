"""A run that nothing interrupted, as the measure of those that something did."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.commands import LONG, ganbench


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with an uninterrupted run."""
    store = tmp_path_factory.mktemp("whole")
    result = ganbench("run", *LONG, "--store", store)
    assert result.returncode == 0, result.stderr
    return store
