"""Protocols never change: the code must agree with the entry of `frozen.json` under their name and version."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import freeze_protocols
from tests.freeze_protocols import COMMAND, current_protocols, frozen_protocols, problems

RING = ("pacgan-2018 v1", "ring")


def test_protocols_equal_their_frozen_entries() -> None:
    messages = list(problems(frozen_protocols(), current_protocols()))
    assert not messages, "\n".join(messages)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        (lambda case: case.update(samples=5_000), "ring, samples: 2500 → 5000"),
        (lambda case: case["rule"].update(norm="linf"), "ring, rule, norm: l2 → linf"),
        (lambda case: case["rule"].update(confidence=0.5), "ring, rule, confidence: 0.0 → 0.5"),
        (lambda case: case["data"].update(sigma=0.02), "ring, data, sigma: 0.01 → 0.02"),
        (lambda case: case["data"].pop("radius"), "ring, data, radius: 1.0 → absent"),
        (lambda case: case["metrics"]["kl"].update(base="10"), "ring, metrics, kl, base: e → 10"),
        (lambda case: case["metrics"]["kl"].update(new=1), "ring, metrics, kl, new: absent → 1"),
        (lambda case: case["metrics"].pop("hq"), "ring, metrics, hq: {'name': 'hq'} → absent"),
        (lambda case: case["directions"].update(hq="higher"), "ring, directions, hq: real → higher"),
        (lambda case: case["quick"].remove("kl"), "ring, quick: ['modes', 'hq', 'kl'] → ['modes', 'hq']"),
        (lambda case: case["headline"].reverse(), "ring, headline: ['modes', 'hq', 'kl'] → ['kl', 'hq', 'modes']"),
        (lambda case: case.update(mode_count=None), "ring, mode_count: modes → None"),
    ],
)
def test_every_change_of_a_case_is_detected(change: Callable[[dict[str, Any]], object], difference: str) -> None:
    frozen = frozen_protocols()
    current = copy.deepcopy(frozen)
    protocol, dataset = RING
    change(current[protocol][dataset])
    remedy = f"give it a new version and run `{COMMAND}`; the old entry stays"
    assert list(problems(frozen, current)) == [f"{protocol} has changed ({difference}): {remedy}"]


def test_added_or_removed_data_set_is_a_change() -> None:
    frozen, current = frozen_protocols(), frozen_protocols()
    protocol, dataset = RING
    case = current[protocol].pop(dataset)
    for before, after in ((frozen, current), (current, frozen)):
        [problem] = problems(before, after)
        assert problem.startswith(f"{protocol} has changed (ring: ")
    current[protocol]["circle"] = case
    [problem] = problems(frozen, current)
    assert "circle: absent → {" in problem


def test_protocol_may_only_be_removed_for_a_higher_version() -> None:
    case: dict[str, Any] = {"ring": {"samples": 1_000}}
    assert list(problems({"a v1": case, "a v2": case}, {"a v2": case})) == []
    assert list(problems({"a v1": case, "a v10": {}}, {"a v10": {}})) == []
    [gone] = problems({"a v1": case, "b v1": case}, {"b v1": case})
    assert gone == "a v1 is gone: only a higher version may replace it"
    [lowered] = problems({"a v1": case, "a v2": case}, {"a v1": case})
    assert lowered.startswith("a v2 is gone")


def test_new_version_needs_its_own_entry() -> None:
    case: dict[str, Any] = {"ring": {"samples": 1_000}}
    [problem] = problems({"a v1": case}, {"a v2": case})
    assert problem == f"a v2 is not frozen: run `{COMMAND}`"


def test_freezing_adds_missing_entries_and_changes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "frozen.json"
    monkeypatch.setattr(freeze_protocols, "FROZEN", file)
    existing = {"pacgan-2018 v1": {"ring": {"samples": 1}}, "gone v3": {}}
    file.write_text(json.dumps(existing))
    freeze_protocols.main()
    assert json.loads(file.read_text()) == current_protocols() | existing
    written = file.read_bytes()
    freeze_protocols.main()
    assert file.read_bytes() == written
