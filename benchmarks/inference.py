"""Simulation of the statistics over seeds: coverage of intervals, false winners, power, and promised numbers of seeds.

`python -m benchmarks.inference` prints the tables of docs/comparing.md and draws the figure of coverage. It calls what
`ganbench compare` calls, on seeds drawn from known distributions. The random numbers are fixed.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from benchmarks.inference_shapes import CONTRASTS, SHAPES, Shape
from ganbench.core.plotting import GREY, PALETTE
from ganbench.core.provenance import code_version
from ganbench.results.inference import (
    MIN_SEEDS,
    Estimate,
    better_with_probability,
    estimate,
    find_lead,
    iqm,
    iqm_difference,
    is_better,
    mann_whitney,
    seeds_needed,
    superiority,
)

Values = NDArray[np.float64]
Rows = Mapping[str, Sequence[float]]
"""A rate for each number of seeds, by the name of the row."""

SEEDS = (3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20)
POPULATION = 1_000_000
FIGURE = Path(__file__).parents[1] / "docs" / "images" / "interval-coverage.svg"


def coverage(studies: int) -> Rows:
    """Share of studies in which the interval of the interquartile mean holds that of the distribution."""
    rows: dict[str, list[float]] = {}
    for name, shape in SHAPES.items():
        truth = iqm(shape(np.random.default_rng(0), POPULATION))
        rows[name] = []
        for n in SEEDS:
            intervals = [estimate(shape(random, n)) for random in _streams(studies, n)]
            held = float(np.mean([found.low <= truth <= found.high for found in intervals]))
            rows[name].append(held if n >= MIN_SEEDS else math.nan)
    return rows


def coverage_of_differences(studies: int) -> tuple[Rows, Rows]:
    """The same for the difference of interquartile means, and for the probability of being better."""
    differences: dict[str, list[float]] = {}
    probabilities: dict[str, list[float]] = {}
    for name, (first, second) in CONTRASTS.items():
        many = first(np.random.default_rng(0), POPULATION), second(np.random.default_rng(1), POPULATION)
        difference, probability = iqm(many[0]) - iqm(many[1]), better_with_probability(*many)
        differences[name], probabilities[name] = [], []
        for n in SEEDS:
            held, likely = [], []
            for random in _streams(studies, n):
                one, other = first(random, n), second(random, n)
                found = superiority(one, other)
                # The truth is itself simulated, to about ±.001.
                likely.append(found.low - 0.002 <= probability <= found.high + 0.002)
                if n >= MIN_SEEDS:
                    found = iqm_difference(one, other)
                    held.append(found.low <= difference <= found.high)
            differences[name].append(float(np.mean(held)) if held else math.nan)
            probabilities[name].append(float(np.mean(likely)))
    return differences, probabilities


def false_winners(studies: int) -> Rows:
    """Share of studies that name a winner although a method that isn't it is at least as good."""
    normal, worse = SHAPES["normal"], lambda random, n: random.normal(4, 1, n)
    settings: dict[str, tuple[list[Shape], int]] = {
        f"{k} equal methods, normal": ([normal] * k, k) for k in (2, 3, 5, 10)
    }
    settings["2 equal methods and 3 far worse"] = ([normal] * 2 + [worse] * 3, 2)
    for name, shape in SHAPES.items():
        if name != "normal":
            settings[f"2 equal methods, {name}"] = ([shape] * 2, 2)
    for name, pair in CONTRASTS.items():
        if name.startswith("equally good"):
            settings[f"2 methods, {name}"] = (list(pair), 2)
    rows: dict[str, list[float]] = {}
    for name, (shapes, best) in settings.items():
        rows[name] = []
        for n in SEEDS:
            winners = [_winner([shape(random, n) for shape in shapes]) for random in _streams(studies, n)]
            rows[name].append(float(np.mean([winner is not None and winner < best for winner in winners])))
    wide, narrow = CONTRASTS["equally good, sd 1 and 3"][1], normal
    for name, few in (("n and 3n seeds, equal", normal), ("n seeds with sd 3, 3n with sd 1", wide)):
        rows[f"2 methods, {name}"] = [
            float(
                np.mean(
                    [_winner([few(random, n), narrow(random, 3 * n)]) is not None for random in _streams(studies, n)]
                )
            )
            for n in SEEDS
        ]
    return rows


def power(studies: int) -> Rows:
    """Share of studies that name the better of two normal methods, next to what single tests decide."""
    rows: dict[str, list[float]] = {}
    for gap in (1.0, 1.5, 2.0):
        tests: dict[str, Callable[[Values, Values], bool]] = {
            "winner rule": lambda one, other: _winner([one, other]) == 0,
            "Mann–Whitney test alone": lambda one, other: mann_whitney(one, other) <= 0.05 and iqm(one) < iqm(other),
            "Welch's t test": lambda one, other: bool(
                stats.ttest_ind(one, other, equal_var=False).pvalue <= 0.05 and one.mean() < other.mean()
            ),
        }
        for name, test in tests.items():
            rows[f"{gap:g} sd: {name}"] = [
                float(
                    np.mean([test(random.normal(size=n), random.normal(gap, 1, n)) for random in _streams(studies, n)])
                )
                for n in SEEDS
            ]
    rows["1.5 sd, best of 3: winner rule"] = [
        float(
            np.mean(
                [_winner([random.normal(mean, 1, n) for mean in (0, 1.5, 1.5)]) == 0 for random in _streams(studies, n)]
            )
        )
        for n in SEEDS
    ]
    return rows


def promised_seeds(studies: int) -> Iterator[str]:
    """Rates at which a number of seeds is given, and at which that number decides."""
    n, repeats = 10, 20
    for gap in (0.0, 0.5, 1.0):
        given, kept, fresh = [], [], []
        for random in _streams(studies, n):
            one, other = sorted((random.normal(size=n), random.normal(gap, 1, n)), key=iqm)
            if is_better(one, other):
                continue
            needed = seeds_needed(one, [other])
            given.append(needed)
            if needed is not None:
                for _ in range(repeats):
                    kept.append(is_better(random.choice(one, needed), random.choice(other, needed)))
                    fresh.append(is_better(random.normal(size=needed), random.normal(gap, 1, needed)))
        numbers = [needed for needed in given if needed is not None]
        undecided, promised, kept_rate = (
            f"{100 * rate:.0f} %" for rate in (len(given) / studies, len(numbers) / studies, np.mean(kept))
        )
        new = f", that many new seeds name the better method in {100 * np.mean(fresh):.0f} %" if gap else ""
        yield (
            f"{n} seeds of each, {gap:g} sd apart: no winner in {undecided} of studies; a number in {promised} (median "
            f"{np.median(numbers):.0f}); that many seeds drawn from those at hand decide in {kept_rate}{new}"
        )


def _winner(methods: Sequence[Values]) -> int | None:
    losses = {str(place): values for place, values in enumerate(methods)}
    estimates = {name: Estimate(iqm(values), math.nan, math.nan, len(values), 0) for name, values in losses.items()}
    lead = find_lead(losses, estimates)
    return None if lead.rivals else int(lead.method)


def _streams(studies: int, n: int) -> Iterator[np.random.Generator]:
    """Random numbers of each study; the same for all shapes, so that rows differ by their shapes only."""
    return islice((np.random.default_rng([n, study]) for study in count()), studies)


def markdown(title: str, rows: Rows) -> str:
    """A table of percentages; a dash where there is nothing to count."""
    lines = [[f"{title}; n =", *map(str, SEEDS)], ["---", *["--:"] * len(SEEDS)]]
    lines += [
        [name, *("–" if math.isnan(rate) else f"{100 * rate:.1f}" for rate in rates)] for name, rates in rows.items()
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def draw(rows: Rows, path: Path) -> None:
    """Draw coverage by the number of seeds, with the promised band."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.axhspan(93, 97, color=GREY, alpha=0.2, label="95 ± 2 %")
    styles = [(colour, line) for line in ("-", "--", ":") for colour in PALETTE[:6]]
    for (name, rates), (colour, line) in zip(rows.items(), styles, strict=False):
        axes.plot(SEEDS, 100 * np.array(rates), line, color=colour, marker=".", label=name)
    axes.set(xlabel="seeds", ylabel="studies whose interval holds the true value (%)", xticks=SEEDS, ylim=(82, 100))
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False, fontsize=7)
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "ganbench", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inference", description=__doc__)
    parser.add_argument("--studies", type=int, default=2_000, help="simulated studies for each rate")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="file for the figure of coverage")
    args = parser.parse_args()
    began, commit = time.monotonic(), code_version()
    rows = coverage(args.studies)
    draw(rows, args.figure)
    print(markdown("interval of the interquartile mean", rows), flush=True)
    differences, probabilities = coverage_of_differences(args.studies // 2)
    print("\n" + markdown("interval of the difference", differences))
    print("\n" + markdown("interval of P(better)", probabilities), flush=True)
    print("\n" + markdown("false winners", false_winners(args.studies // 2)), flush=True)
    print("\n" + markdown("power", power(args.studies // 2)), flush=True)
    print("\n" + "\n".join(f"- {line}" for line in promised_seeds(args.studies // 4)))
    error = 100 * math.sqrt(0.05 * 0.95 / args.studies)
    print(
        f"\n{args.studies} studies for each rate of the first table (standard error {error:.1f} at 95 %), half as many "
        f"for the others; commit {commit}; {time.monotonic() - began:.0f} s"
    )


if __name__ == "__main__":
    main()
