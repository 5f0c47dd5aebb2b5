"""Unbalanced runs against balanced ones with as many updates of the discriminator."""

from __future__ import annotations

import numpy as np
import pytest

from ganbench.core.collapse_rule import parse_rule
from ganbench.results.at_equal_doses import at_equal_doses
from ganbench.results.balanced_controls import balanced_controls
from ganbench.results.controls_in_words import controls_in_brief
from ganbench.results.table import tidy
from tests.results.study_runs import SEEDS, UPDATES, unbalanced


def test_balanced_controls_have_as_many_steps_and_nothing_else_differs() -> None:
    table = tidy(
        [
            *unbalanced(5, 200, 60.0),
            *unbalanced(1, 200, 10.0),
            *unbalanced(1, 1000, 1.0),  # trained for longer: no control of either
            *unbalanced(2, 500, 60.0),  # without a control
            *unbalanced(5, 200, 60.0, "hinge"),
            *unbalanced(1, 200, 60.0, "hinge"),
        ]
    )
    found = balanced_controls(table)
    assert (found.controlled, found.unbalanced) == (2, 3)
    hinge, minimax = sorted(found.methods, key=lambda each: each.name)
    assert (minimax.found.doses, minimax.found.collapsed, minimax.found.other_collapsed) == ((5,), 0, SEEDS)
    assert minimax.found.better.middle == 1
    assert minimax.significant
    assert minimax.corrected_p == pytest.approx(2 * minimax.found.p), "Holm's correction for two methods"
    assert minimax.sentence().startswith(
        "minimax: after as many discriminator updates, balanced runs do better than unbalanced ones by"
    )
    assert "0 of 7 runs have fid > 50, and 7 of 7 of the unbalanced ones" in minimax.sentence()
    assert hinge.found.better.middle == 0.5
    assert "are not shown to do better or worse" in hinge.sentence()


def test_short_answers_about_controls_count_by_dose_and_name_what_gains() -> None:
    runs = [
        *unbalanced(5, 200, 60.0),
        *unbalanced(1, 200, 45.0),
        *unbalanced(2, 500, 47.0),
        *unbalanced(1, 500, 10.0),
        *unbalanced(1, 125, 48.0),  # its partner has not run; records have 20 steps of so many updates
        *unbalanced(5, 200, 10.0, "hinge"),
        *unbalanced(1, 200, 20.0, "hinge"),
    ]
    brief = controls_in_brief(balanced_controls(tidy(runs)).methods, {})
    assert brief is not None
    assert brief.headline == (f"Unbalanced runs are worse by fid with 1 of 2 parts (2 and 5 {UPDATES})")
    # Seeds 4 to 6 of 47 + seed are above 50, seed 6 of 45 + seed, and seeds 3 to 6 of 48 + seed.
    assert brief.evidence.startswith(
        "10 of 21 unbalanced runs on mnist have fid > 50, and 1 of 21 balanced ones after as many updates of the "
        "discriminator; a balanced run is better in "
    )
    by_dose, spare, _, gaining = brief.details
    assert by_dose == "Of unbalanced runs, 3 of 7 at 2 and 7 of 14 at 5; of balanced ones, 0 of 7 at 2 and 1 of 14 at 5"
    assert spare == "Of balanced ones without unbalanced partners so far, 4 of 7 after 2,500 updates"
    assert gaining.startswith("A balanced run is better with hinge in 0 % (at 5; p = ")


def test_a_control_of_several_doses_counts_once() -> None:
    runs = [*unbalanced(1, 200, 48.0), *(run for dose in (2, 5, 8) for run in unbalanced(dose, 200, 47.0 + dose))]
    (found,) = balanced_controls(tidy(runs)).methods
    counts = found.found
    assert counts.doses == (2, 5, 8)
    # Seeds 3 to 6 of 48 + seed are above 50; of 49, 52 and 55 + seed seeds 2 to 6, all and all.
    assert (counts.collapsed, counts.total, counts.other_collapsed, counts.other_total) == (4, 7, 19, 21)


def test_shared_controls_raise_no_more_false_alarms() -> None:
    generator, rule = np.random.default_rng(0), parse_rule("fid > 9")
    alarms = 0
    for _ in range(400):
        shared = {f"control {seed}": value for seed, value in enumerate(generator.normal(size=10))}
        own = {
            dose: {f"{dose} {seed}": value for seed, value in enumerate(generator.normal(size=10))}
            for dose in (2.0, 5.0, 8.0)
        }
        found = at_equal_doses(dict.fromkeys(own, shared), own, rule)
        assert found is not None
        alarms += found.p <= 0.05
    assert alarms / 400 < 0.09, "it was a fifth when the control was counted once for each dose"


def test_short_answers_about_controls_count_the_runs_of_all_parts() -> None:
    better = [
        *unbalanced(5, 200, 60.0),
        *unbalanced(1, 200, 10.0),
        *unbalanced(2, 500, 60.0),
        *unbalanced(1, 500, 45.0),
    ]
    also_better = [*unbalanced(5, 200, 90.0, "hinge"), *unbalanced(1, 200, 70.0, "hinge")]
    worse = [*unbalanced(5, 200, 10.0, "least-squares"), *unbalanced(1, 200, -1.0, "least-squares")]
    brief = controls_in_brief(balanced_controls(tidy([*better, *also_better, *worse])).methods, {})
    assert brief is not None
    assert " with 2 of 3 parts (" in brief.headline
    assert any(
        sentence.startswith("A balanced run is better with least-squares in 0 % (") for sentence in brief.details
    )
    # Of 14 balanced runs of minimax, seed 6 of those with 45 + seed is above 50; all of hinge's 70 + seed are, and all
    # of least squares' have failed.
    assert brief.evidence.startswith(
        "21 of 28 unbalanced runs on mnist have fid > 50 or no score, and 15 of 28 balanced"
    )
    assert controls_in_brief(balanced_controls(tidy(worse)).methods, {}) is None, "none does better"


def test_balanced_controls_without_a_score_rank_worst() -> None:
    (found,) = balanced_controls(tidy([*unbalanced(5, 200, 60.0), *unbalanced(1, 200, -10.0)])).methods
    assert (found.found.better.middle, found.found.failed, found.found.collapsed) == (0, SEEDS, SEEDS)
    assert "balanced runs do worse than unbalanced ones" in found.sentence()
