"""Count the seeds of a report that lost modes, or have thin ones, by the share of all samples in each mode.

    .venv/bin/python experiments/lost_modes.py REPORT/results.csv > REPORT/modes.md

A mode is lost below 10 % of its fair share of all samples, and thin below 50 %. The strict count of `ganbench-1` also
misses modes whose samples lie beside them: it says nothing about which of the two it was. Shares of modes are compared
with an even one, so this is for data whose modes are equally likely.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from scipy import stats

from ganbench.core.formatting import number
from ganbench.results.csv_file import read_csv
from ganbench.results.report.sections.base import method_names
from ganbench.results.report.tables import markdown
from ganbench.results.views import final_scores, mode_counts
from ganbench.tracking.metric_names import MODE

LOST, THIN = 0.1, 0.5
EVEN = ("ring", "grid", "mnist", "fashion-mnist")
"""Data sets whose modes are equally likely, or nearly so."""
HEAD = ["data", "method", "lost a mode", "lost or thin", "missed by the strict count", "smallest share", "good", "KL"]


def main(path: Path) -> None:
    table = read_csv(path).table
    scores = final_scores(table)
    scores = scores[scores["dataset"].isin(EVEN)]
    shares = scores[scores["metric"].str.startswith(MODE)]
    modes = shares.groupby("run")["metric"].transform("count")
    smallest = (shares["value"] * modes).groupby(shares["run"]).min()
    counts = mode_counts(scores).set_index("run")
    missed = counts["value"] < counts["ceiling"]
    value = {metric: scores[scores["metric"] == metric].set_index("run")["value"] for metric in ("hq", "kl")}
    runs = shares.drop_duplicates("run")
    rows = []
    for (dataset, method), own in runs.groupby(["dataset", runs["run"].map(method_names(table))], observed=True):
        least = smallest[own["run"]]
        rows.append(
            [
                str(dataset),
                str(method),
                _counted(least < LOST),
                _counted(least < THIN),
                _counted(missed[own["run"]]),
                f"{least.min():.0%} of its fair one",
                f"{value['hq'][own['run']].median():.1%}",
                number(value["kl"][own["run"]].median()),
            ]
        )
    print(markdown(HEAD, rows))
    print("\nSeeds of all seeds, with the 95 % interval of Clopper and Pearson; good and KL: medians over seeds.")


def _counted(seeds: pd.Series) -> str:
    count, total = int(seeds.sum()), len(seeds)
    low, high = stats.binomtest(count, total).proportion_ci(0.95, method="exact")
    return f"{count} of {total} ({100 * low:.0f}–{100 * high:.0f} %)"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
