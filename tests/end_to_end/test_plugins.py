"""Components of one's own, from a file: listed, run, checked, compared and reported."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.end_to_end.commands import SMALL, ganbench, read

pytestmark = pytest.mark.usefixtures("mnist", "one_thread")


def test_loss_in_the_readme_can_be_listed_run_and_checked_as_printed(tmp_path: Path) -> None:
    readme, text = (
        (Path(__file__).parents[2] / name).read_text(encoding="utf-8") for name in ("README.md", "docs/extending.md")
    )
    (code,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert code in text
    plugin = tmp_path / "ralsgan.py"
    plugin.write_text(code)
    assert "RaLSGAN" in ganbench("list", "losses", "--plugin", plugin).stdout
    result = ganbench("run", "--plugin", plugin, "--loss", "ralsgan", *SMALL, "--steps", "5", "--store", tmp_path)
    assert result.exit_code == 0, result.stderr
    passed = ganbench("check", plugin)
    assert passed.exit_code == 0, passed.output
    plugin.write_text(
        code.replace("critic_loss(fake, real)", "critic_loss(real, fake)")
    )  # the generator helps the critic
    failed = ganbench("check", plugin)
    assert failed.exit_code == 1
    (statement, problem) = re.findall(r"✗ (.*)\n +(.*)", failed.stdout)[0]
    assert f"✗ {statement}\n      {problem}\n" in text, "the page shows the output of the failed check"
    assert failed.stdout.splitlines()[-1] in text


SPREAD_PLUGIN = """
from ganbench.plugin import METRICS, PROTOCOLS, Case, Metric, Protocol, Rule, register


@register(METRICS, "spread")
class Spread(Metric):
    \"\"\"Standard deviation of the samples (nobody 2026, a test).\"\"\"

    direction = "higher"

    def __call__(self, fake, real):
        return float(fake.embedding.std())


@register(PROTOCOLS, "spread-only")
class SpreadOnly(Protocol):
    \"\"\"One metric, and neither modes nor FID (nobody 2026, a test).\"\"\"

    def cases(self):
        return {"ring": Case(500, Rule("l2", 3.0), {"spread": METRICS.create({"name": "spread"})}, ("spread",))}
"""


def test_plugin_protocol_without_modes_and_fid_is_run_compared_and_reported(tmp_path: Path) -> None:
    plugin = tmp_path / "other.py"
    plugin.write_text(SPREAD_PLUGIN)
    checked = ganbench("check", plugin)
    assert checked.exit_code == 0, checked.stdout
    store = ("--store", tmp_path / "store")
    for loss in ("minimax", "hinge"):
        args = ["--loss", loss, "--dataset", "ring", "--protocol", "spread-only", "--arch", SMALL[1], "--seeds", "0-5"]
        result = ganbench("run", "--plugin", plugin, *args, "--steps", "20", "--eval-every", "10", *store)
        assert result.exit_code == 0, result.stderr
        assert re.search(rf"{loss}, seed 5: .*; spread \S+ \(real data: \S+\)", result.stdout), result.stdout
        assert re.search(r"step 20/20 .* spread \d", result.stdout), result.stdout
    compared = read("compare", *store)
    # There is an interval and a ranking, although the code that reads results doesn't know the metric.
    assert re.search(r"minimax +mlp .*\d \[\S+ – \S+\]", compared), compared
    assert re.search(r"^spread: ", compared, flags=re.MULTILINE), compared
    read("report", *store, "--out", tmp_path / "reports")
