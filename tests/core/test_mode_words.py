"""The noun for modes in our own phrases."""

from __future__ import annotations

import pytest

from ganbench.core.mode_words import with_noun, without_noun


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3 of 8 modes are left; the worst mode", "3 of 8 clusters are left; the worst cluster"),
        ("Modes at the end. A mode's share", "Clusters at the end. A cluster's share"),
        ("missing-modes, off-mode", "missing-clusters, off-cluster"),
        ("worst_mode_coverage", "worst_cluster_coverage"),
        ("modes_strict", "clusters_strict"),
        ("a modest model", "a modest model"),
    ],
)
def test_modes_are_called_clusters_where_they_are_and_nothing_else_changes(text: str, expected: str) -> None:
    assert with_noun(text, "clusters") == expected
    for noun in ("modes", "digits", "classes"):
        assert with_noun(text, noun) == text


@pytest.mark.parametrize("name", ["modes", "modes_strict", "worst_mode_coverage", "fid"])
def test_names_that_are_shown_with_clusters_are_known_again(name: str) -> None:
    known = ["modes", "modes_strict", "worst_mode_coverage", "fid"]
    assert without_noun(with_noun(name, "clusters"), known) == name


def test_a_known_name_stays_and_an_unknown_one_is_left_to_the_error() -> None:
    assert without_noun("clusters_of_mine", ["clusters_of_mine", "modes_of_mine"]) == "clusters_of_mine"
    for name in ("clusters_odd", "clustering", "fids"):
        assert without_noun(name, ["modes", "fid"]) == name
