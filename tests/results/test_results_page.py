"""The results page: what its script says follows from the rows, and foreign names can't break it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd
from PIL import Image

from experiments.results_page.__main__ import PAGE, README
from experiments.results_page.designs import findings
from experiments.results_page.findings import Findings
from experiments.results_page.page import page
from experiments.results_page.published import differences, studied
from experiments.results_page.readme import readme
from experiments.results_page.study import ORDER, Study, studies
from ganbench.core.annotation import Annotation
from ganbench.results.claims.studied import read_studied
from ganbench.results.report.escaping import for_markdown
from ganbench.results.table import tidy
from ganbench.tracking import RunRecord
from tests.results.study_runs import HOSTILE, SEEDS, UPDATES, annotated, crossed, factorial, runs_of_doses
from tests.results.test_loading import record


def of_rows(name: str, question: str, folder: Path, table: pd.DataFrame) -> Study:
    """A study that compares with the method `plain`."""
    return Study(name, question, folder, table, baseline="plain", shown=("plain",))


def test_a_part_that_protects_is_known_and_the_doses_are_drawn(tmp_path: Path) -> None:
    study = of_rows("balance", "What protects? Doses.", tmp_path / "reports" / "x", tidy(list(runs_of_doses())))
    found = findings(study, tmp_path)
    apart, *curves = found.known
    baseline = next(sentence for sentence in curves if sentence.startswith("**plain**, generator updates"))
    assert any(sentence.startswith(f"**{for_markdown(HOSTILE)}**") for sentence in curves), (
        "what protects is shown, too"
    )
    table = next(table for table in found.tables if "the second" in table)
    head, _, row = table.partition("| the first |")[2].splitlines()[:3]
    assert head.split(" | ")[-2] == "runs with fid > 50"
    assert row.split(" | ")[-2] == "2 of 21 and 17 of 21 (p < .0001)"
    assert "at a higher dose than of plain: at least 7.42 and 1.62–2.91 (generator updates)" in apart
    protecting, counted, half = found.short_answers
    assert protecting.startswith(f"**{for_markdown(HOSTILE)} protects (")
    assert f"** On mnist, 2 of 21 runs of {for_markdown(HOSTILE)} have fid > 50, and 17 of 21 of plain (" in protecting
    assert half.startswith(
        "**Half of plain's runs have fid > 50 with 1.62–2.91 generator updates.** This is the 95 % interval on mnist; "
        "higher for "
    )
    assert half.endswith("(at least 7.42)")
    assert counted.startswith(
        "**Unbalanced runs are worse by fid with 1 of 2 parts (2, 5 and 8 generator updates).** 19 of 42 unbalanced "
        "runs on mnist have fid > 50, and 0 of 14 balanced ones after as many updates of the discriminator; a balanced "
        "run is better in 90 % of pairs (77–96 %; p = 0.00038)"
    )
    in_full = found.full_answers[1]
    assert in_full.startswith(f"{counted}. Of unbalanced runs, 3 of 14 at 2, 7 of 14 at 5 and 9 of 14 at 8. ")
    assert "The verdict is COLLAPSED for 0 unbalanced and 0 balanced runs. Undecided with " in in_full
    assert in_full.endswith(" (at 2, 5 and 8; p = 0.41)")
    assert "half of the runs have fid > 50 between 2 and 5 (" in baseline
    assert "3 of 7 at 2, 7 of 7 at 5" in baseline
    assert "| plain | better, " in table
    assert "% at 2, 100 % at 5 and " in table
    assert any("not shown" in sentence for sentence in found.undecided)
    assert (tmp_path / f"results-balance-mnist-{UPDATES.replace(' ', '-')}.svg").exists()
    text = page([(study, found)])
    assert text.replace(for_markdown("<b>"), "").count("<b>") == 0
    answers, _, comparisons = text.partition("## Every comparison")
    assert f"- {counted}.\n" in answers
    assert f"- {in_full}.\n" in comparisons
    assert "**What protects?** Doses. [Rows](../reports/x/report.md)" in answers


def test_published_differences_are_listed_with_their_caveats(tmp_path: Path) -> None:
    runs = [record(loss, seed, fid) for loss, fid in (("minimax", 10.0), ("non-saturating", 20.0)) for seed in range(7)]
    study = of_rows("net_or_loss", "Which?", tmp_path, tidy(runs))
    (compared,) = differences([study])
    text = page([(study, findings(study, tmp_path))], [compared])
    assert "| NS GAN (6.8 ± 0.5) is better than MM GAN (9.8 ± 0.9) by fid, on mnist | reverses | net_or_loss: " in text
    assert "Inception-FID on grey images" in text
    assert "## What papers found" not in page([(study, findings(study, tmp_path))])


def test_best_and_worst_seed_are_shown_at_each_dose(tmp_path: Path) -> None:
    table = tidy(list(runs_of_doses()))
    (tmp_path / "samples").mkdir()
    for run in table["run"].unique():
        for step in (9, 10):  # the later sheet is shown
            Image.new("L", (32, 32), 255 * (step == 10)).save(tmp_path / "samples" / f"{run}-{step}.webp")
    found = findings(of_rows("balance", "What protects?", tmp_path, table), tmp_path)
    name = f"results-balance-mnist-{UPDATES.replace(' ', '-')}-samples.png"
    (shown,) = (picture for picture in found.pictures if f"](images/{name})" in picture)
    assert f"Samples of plain and {for_markdown(HOSTILE)} by" in shown
    with Image.open(tmp_path / name) as picture:
        assert picture.size == (8 * 150, 2 * 180), "best and worst of four doses, of both"
        assert picture.convert("L").getpixel((75, 100)) == 255


def test_samples_of_crossed_axes_have_a_row_for_each_value_of_the_first(tmp_path: Path) -> None:
    values = {("batch", "minimax"): 10.0, ("none", "hinge"): 60.0, ("batch", "hinge"): 10.0, ("none", "minimax"): 60.0}
    table = tidy(list(crossed(values | {("batch", "wgan"): 5.0})))
    (tmp_path / "samples").mkdir()
    for run in table["run"].unique():
        Image.new("L", (32, 32), 0).save(tmp_path / "samples" / f"{run}-10.webp")
    found = findings(of_rows("net_or_loss", "Which?", tmp_path, table), tmp_path)
    words = "Samples of each method on mnist: the best and the worst seed"
    assert found.pictures == [f"![{words}](images/results-net_or_loss-mnist-samples.png)\n\n*{words}*"]
    with Image.open(tmp_path / "results-net_or_loss-mnist-samples.png") as picture:
        assert picture.size == (6 * 150, 2 * 180), "best and worst of three losses with batch, and of two without"
        below = [picture.convert("L").getpixel((75 + 150 * place, 280)) for place in range(6)]
        assert below == [0, 0, 0, 0, 255, 255], "there is no wgan without batch"


def test_a_factor_that_harms_is_said_to_make_things_worse(tmp_path: Path) -> None:
    study = of_rows("factorial", "What helps?", tmp_path, tidy(factorial(-20.0)))
    (known,) = findings(study, tmp_path).known
    # Better only where the other is the seed that failed: one of seven in one of two strata, 7 % of pairs.
    assert "worse with it in 93 % of pairs of seeds" in known
    assert "medians of the settings 73 with it, 53 to 53.5 without" in known


def test_runs_are_counted_by_the_word_of_their_verdict(tmp_path: Path) -> None:
    verdict = {
        f"verdict/{part}{name}": value
        for name, values in {
            "good": (0.9, 0.98, 0.002),
            "near_duplicates": (0.01, 0.01, 0.002),
            "covered": (0.9, 0.95, 0.01),
        }.items()
        for part, value in zip(("", "floor/", "floor_sd/"), values, strict=True)
    }
    params = {"dataset": "ring", "protocol": "ganbench-2", "arch": "mlp"}
    tags = {"protocol": "ganbench-2 v1"}
    runs = [
        RunRecord("a", "g", 0, "finished", params | {"loss": "hinge"}, tags, [(n, 9, v) for n, v in verdict.items()]),
        RunRecord("b", "g", 1, "diverged", params | {"loss": "hinge"}, tags, [("loss/critic", 9, 1.0)]),
    ]
    study = of_rows("net_or_loss", "Which?", tmp_path, tidy(runs))
    text = page([(study, Findings())])
    assert "\n| hinge | 1 GOOD, 1 DIVERGED |\n| real data |  |" in text


def test_a_factor_that_helps_is_known_with_its_medians(tmp_path: Path) -> None:
    study = of_rows("factorial", "What helps? More.", tmp_path, tidy(factorial(20.0)))
    found = findings(study, tmp_path)
    (known,) = found.known
    assert known.startswith("**R1** makes a difference on mnist, averaged over the settings of the others: ")
    # Seeds 0 to 6 have 50 to 56 without R1, of which one failed, and 20 less with it.
    assert "better with it in 100 % of pairs of seeds" in known
    assert found.short_answers[0].startswith(
        "**R1 makes FID better.** On mnist, in pairs of seeds with and without it, FID: better in 100 % ("
    )
    assert "medians of the settings 33 with it, 53 to 53.5 without" in known
    assert any(f"of {2 * SEEDS} seeds with it" in sentence for sentence in found.undecided)
    assert f"### What helps?\n\n{study.link}\n\n- **R1 makes FID better.**" in page([(study, found)])


def test_readme_shows_the_first_sentences(tmp_path: Path) -> None:
    study = of_rows("balance", "What protects?", tmp_path, tidy(list(runs_of_doses())))
    found = findings(study, tmp_path)
    text = readme("a\n<!-- made by `make results` -->\nformer words\n<!-- end -->\nb\n", [(study, found)])
    assert text.startswith(
        f"a\n<!-- made by `make results` -->\n\n- *What protects?* **{for_markdown(HOSTILE)} protects ("
    )
    assert f"\n- *What protects?* {found.short_answers[0]}.\n" in text
    assert f"- {found.short_answers[0]}.\n" in page([(study, found)]).partition("## Pictures")[0]
    unsaid = dataclasses.replace(found, briefs=[])
    text = readme("<!-- made by `make results` -->\nformer words\n<!-- end -->", [(study, unsaid)])
    assert "\n".join(f"- *What protects?* {sentence}." for sentence in found.known[:3]) in text
    assert "former words" not in text
    drawn = dataclasses.replace(found, pictures=["![a](images/a.svg)", "![b](images/b-samples.png)"])
    text = readme("<!-- made by `make results` -->\nformer words\n<!-- end -->", [(study, drawn)])
    assert "\n\n![b](docs/images/b-samples.png)\n\n" in text
    assert "a.svg" not in text
    assert text.endswith("<!-- end -->")


def test_a_rule_that_never_holds_is_said_before_the_answers(tmp_path: Path) -> None:
    runs = [
        annotated(record(loss, seed, fid + seed), Annotation(f"a, {loss}", primary=("fid",), collapsed="fid > 50"))
        for loss, fid in (("minimax", 10.0), ("hinge", 30.0))
        for seed in range(SEEDS)
    ]
    study = of_rows("stacked", "Which?", tmp_path, tidy(runs))
    found = findings(study, tmp_path)
    words = "**No run has fid > 50.** On mnist (mlp), it holds in 0 of 14 runs (0–23 %), so it tells no methods apart"
    assert found.rule_answers == [words]
    answers = page([(study, found)]).partition("## Pictures")[0]
    assert answers.endswith(f"\n- {words}.\n- {found.short_answers[0]}.\n\n")
    text = readme("<!-- made by `make results` -->\nformer words\n<!-- end -->", [(study, found)])
    assert found.short_answers[0] in text
    assert words not in text


def test_the_committed_page_is_what_the_script_makes(tmp_path: Path) -> None:
    found = [(study, findings(study, tmp_path)) for study in studies()]
    compared = differences([study for study, _ in found])
    assert PAGE.read_text(encoding="utf-8") == page(found, compared), "out of date: make results"
    assert read_studied() == tuple(studied(compared)), "out of date: make results"
    text = README.read_text(encoding="utf-8")
    assert readme(text, found) == text, "out of date: make results"


def test_studies_without_results_are_listed() -> None:
    text = page([])
    assert text.count("| 0 of ") == len(ORDER)
