"""What studies of any design have in common: counts by their rule, and pictures of samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ganbench.core.annotation import Annotation
from ganbench.results.incomplete_seeds import collapsed_seeds, rule_in_brief
from ganbench.results.report.sections.base import method_names
from ganbench.results.report.study_charts import sheet_picture
from ganbench.results.table import tidy
from ganbench.tracking import RunRecord
from tests.results.study_runs import annotated
from tests.results.test_loading import record


def test_seeds_that_collapsed_by_the_rule_are_counted_with_failed_ones() -> None:
    def seeds(loss: str, fids: Sequence[float], collapsed: str = "fid > 50") -> list[RunRecord]:
        runs = [record(loss, seed, fid, status="diverged" if fid < 0 else "finished") for seed, fid in enumerate(fids)]
        return [annotated(run, Annotation(loss, collapsed=collapsed)) for run in runs]

    table = tidy([*seeds("hinge", [10, 20, 60]), *seeds("minimax", [51, -1, 60]), *seeds("wgan", [1, 1, 90])])
    (counts,) = collapsed_seeds(table, method_names(table))
    assert counts.beginning == "On mnist (mlp), fid > 50 or no score in"
    assert counts.ends == ["1 of 3 seeds of each of hinge and wgan (1–91 %)", "all 3 seeds of minimax (29–100 %)"]
    (clean,) = collapsed_seeds(tidy(seeds("hinge", [10, 20, 50])), dict.fromkeys(table["run"], "hinge"))
    assert clean.beginning.endswith(", fid > 50 in")
    (brief,) = rule_in_brief(tidy(seeds("hinge", [10, 20, 50])))
    assert brief.headline == "no run has fid > 50"
    assert brief.evidence == "On mnist (mlp), it holds in 0 of 3 runs (0–71 %), so it tells no methods apart"
    (brief,) = rule_in_brief(tidy(seeds("hinge", [60, -1])))
    assert brief.headline == "all runs have fid > 50 or no score"
    assert rule_in_brief(table) == [], "it holds in some runs"
    unmeasured = tidy(seeds("hinge", [10, 20], "kl_corrected > 1"))
    assert collapsed_seeds(unmeasured, method_names(unmeasured)) == []


def test_sheets_keep_their_colours(tmp_path: Path) -> None:
    colours = {"grey": (120, 121, 120), "red": (255, 0, 0), "blue": (0, 0, 255)}
    sheets = {name: tmp_path / f"{name}.webp" for name in colours}
    for name, file in sheets.items():
        Image.new("RGB", (32, 32), colours[name]).save(file, lossless=True)
    grey = sheet_picture([[("title", sheets["grey"])]])
    assert {pixel[1:] == pixel[:2] for pixel in set(pixels(grey))} == {True}, "a tint of WebP is no colour"
    both = set(pixels(sheet_picture([[("red", sheets["red"]), None], [("blue", sheets["blue"]), None]])))
    assert {colours["red"], colours["blue"]} <= both


def pixels(picture: Image.Image) -> list[tuple[int, int, int]]:
    red, green, blue = np.asarray(picture.convert("RGB")).reshape(-1, 3).T.tolist()
    return list(zip(red, green, blue, strict=True))
