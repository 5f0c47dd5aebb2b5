"""The golden runs: what a spec means, and what it gives, as it was when they were recorded.

`python -m tests.golden FOLDER` prints hashes of everything, which on one machine must not change. What is recorded here
holds on every machine: ids and specs exactly, numbers up to rounding.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.golden.__main__ import EVERY, SPECS, ganbench, make

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden" / "golden.json").read_text())


@pytest.mark.parametrize("name", SPECS)
def test_a_spec_is_resolved_as_it_was_and_has_the_same_runs(name: str, tmp_path: Path) -> None:
    told = ganbench(tmp_path, "run", *SPECS[name], *EVERY, "--dry-run").splitlines()
    assert [line for line in told if not line.startswith("#")] == GOLDEN["specs"][name]
    assert [line.split()[-1] for line in told if line.startswith("# seed")] == GOLDEN["ids"][name]


def test_runs_give_what_they_gave(tmp_path: Path) -> None:
    """The same numbers of the same names at the same steps, for a loss of ours and one of a plug-in."""
    made = make(tmp_path, ("ring", "plugin"))
    now = {(row["run"], row["kind"], row["metric"], int(row["step"])): row["value"] for row in made["rows"]}
    before = {tuple(key): value for *key, value in GOLDEN["numbers"]}
    assert now.keys() == before.keys()
    for key, value in before.items():
        wanted, got = float(value or "nan"), float(now[key] or "nan")
        # Counts of 500 samples may differ by one at a border; everything else by rounding.
        assert math.isclose(got, wanted, rel_tol=1e-3, abs_tol=5e-3) or (math.isnan(got) and math.isnan(wanted)), key
