"""Golden runs: resolved specs, run ids and results are as recorded.

`python -m tests.golden FOLDER` prints hashes of all results, which must not change on the same machine. The record here
holds on every machine: ids and specs exactly, numbers up to rounding.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.golden.__main__ import COMMON_FLAGS, SPECS, ganbench, run_experiments

pytestmark = pytest.mark.usefixtures("one_thread")

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "golden.json").read_text())


@pytest.mark.parametrize("name", SPECS)
def test_specs_and_run_ids_are_as_recorded(name: str, tmp_path: Path) -> None:
    output = ganbench(tmp_path, "run", *SPECS[name], *COMMON_FLAGS, "--dry-run").splitlines()
    assert [line for line in output if not line.startswith("#")] == GOLDEN["specs"][name]
    assert [line.split()[-1] for line in output if line.startswith("# seed")] == GOLDEN["ids"][name]


def test_results_are_as_recorded(tmp_path: Path) -> None:
    """Equal numbers under equal names at equal steps, for a built-in loss and one of a plug-in."""
    golden_run = run_experiments(tmp_path, ("ring", "plugin"))
    actual = {(row["run"], row["kind"], row["metric"], int(row["step"])): row["value"] for row in golden_run["rows"]}
    expected = {tuple(key): value for *key, value in GOLDEN["numbers"]}
    assert actual.keys() == expected.keys()
    for key, value in expected.items():
        expected_value, actual_value = float(value or "nan"), float(actual[key] or "nan")
        # Counts of 500 samples may differ by one; everything else only by rounding.
        assert math.isclose(actual_value, expected_value, rel_tol=1e-3, abs_tol=5e-3) or (
            math.isnan(actual_value) and math.isnan(expected_value)
        ), key
