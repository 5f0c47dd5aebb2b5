"""Make the picture in README.md from tracked runs: a column a loss, a row a seed.

    .venv/bin/python experiments/readme_picture.py STORE

STORE holds what these three commands left: `ganbench run --loss LOSS --arch mlp --seeds 0-2` for `minimax`,
`non-saturating` and `wgan-gp`.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from ganbench.core.formatting import number
from ganbench.results.loading import load_results
from ganbench.results.views import final_scores, runs
from ganbench.tracking.store import find_store

LOSSES = ("minimax", "non-saturating", "wgan-gp")
SEEDS = (0, 1, 2)
PICTURE = Path(__file__).parent.parent / "docs" / "images" / "samples.png"
SHOWN = 224  # pixels of each sheet: its first 4 × 4 samples


def main() -> None:
    results = load_results(find_store(sys.argv[1]), "ganbench", history=True)
    table = results.table
    grids = {run: steps[max(steps)] for run, steps in results.pictures(set(table["run"]), 1).items()}
    ids = {(run["loss"], run["seed"]): run["run"] for _, run in runs(table).iterrows()}
    final = final_scores(table).set_index(["run", "metric"])["value"]
    figure = Figure(figsize=(9, 9.6), layout="constrained", dpi=80)
    for row, seed in enumerate(SEEDS):
        for column, loss in enumerate(LOSSES):
            run = ids[loss, seed]
            axes = figure.add_subplot(len(SEEDS), len(LOSSES), row * len(LOSSES) + column + 1)
            sheet = np.asarray(Image.open(io.BytesIO(grids[run])).convert("L"))
            axes.imshow(sheet[:SHOWN, :SHOWN], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            found = f"{final[run, 'modes_strict']:.0f} of 10 digits, FID {number(final[run, 'fid'])}"
            axes.set_title(f"{loss}, seed {seed}\n{found}", fontsize=10)
            axes.set_axis_off()
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE)


if __name__ == "__main__":
    main()
