"""The table of sanity checks, for the terminal and as a page."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.core.screen import WIDE
from ganbench.evaluation.sanity_checks import CHECKS, NOT_RUN, REPEATS, ROLES, CheckResult
from ganbench.evaluation.sanity_families import SAMPLES
from ganbench.results.report.tables import markdown, terminal

INTRODUCTION = f"""# Sanity checks of fidelity and diversity metrics

Räisä, van Breugel and van der Schaar ([ICML 2025](https://proceedings.mlr.press/v267/raisa25a.html), arXiv:2505.22450)
test metrics of fidelity (precision, density) and of diversity (recall, coverage) on families of simple distributions,
and find that each of them fails somewhere. `ganbench doctor --checks --format markdown` repeats their checks with our
implementations and writes this page.

A cell says in how many dimensions a metric passed, of those in which it was tried. The criteria are the authors':

- a value within .05 of its target;
- a shape whose ends differ by .2 or more, and lie within .1 of the curve's highest and lowest values;
- a constant that varies by .05 at most.

Values are means of {REPEATS} repeats with {SAMPLES:,} samples each; the authors take more steps along each family. The
targets are absolute. ganbench reads these metrics relative to the same number of real samples, so a failure of
"identical: 1" alone doesn't mislead there; failures of the shapes and of the zeros do.
"""


def show_checks(results: Sequence[CheckResult], style: str, width: int = WIDE) -> str:
    """Format passes and failures of each metric, as `table` or `markdown`.

    Args:
        width: the width that a `table` is wrapped to.
    """
    metrics = list(dict.fromkeys(result.metric for result in results))
    cells = {(result.check, result.criterion, result.metric): _cell(result) for result in results}
    pairs = dict.fromkeys((result.check, result.criterion) for result in results)
    totals = ["all passed", "", *(_total(results, name) for name in metrics)]
    if style == "markdown":
        rows = [[*pair, *(cells.get((*pair, name), "") for name in metrics)] for pair in pairs]
        head = ["check", "criterion", *(f"{name} ({ROLES[name]})" for name in metrics)]
        purposes = "\n".join(f"- **{check.name}**: {check.purpose}." for check in CHECKS)
        left_out = "\n".join(f"- {name}: {reason}." for name, reason in NOT_RUN.items())
        return "\n".join(
            [INTRODUCTION, markdown(head, [*rows, totals]), f"\n## Checks\n\n{purposes}", f"\nNot run:\n\n{left_out}"]
        )
    lines = []
    for check in dict.fromkeys(result.check for result in results):
        criteria = dict.fromkeys(result.criterion for result in results if result.check == check)
        lines.append(check)
        for role in dict.fromkeys(ROLES.values()):
            of_role = [metric for metric in metrics if ROLES[metric] == role]
            body = [[f"  {name}", *(cells.get((check, name, metric), "") for metric in of_role)] for name in criteria]
            lines.append(terminal([f"  {role}", *of_role], body, width=width))
    lines.append("all passed:")
    lines += [f"  {name} {_total(results, name)}" for name in metrics]
    return "\n".join(lines)


def _cell(result: CheckResult) -> str:
    return ("✓" if result.passed == result.of else "✗") + f" {result.passed}/{result.of}"


def _total(results: Sequence[CheckResult], metric: str) -> str:
    own = [result for result in results if result.metric == metric]
    return f"{sum(result.passed == result.of for result in own)} of {len(own)}"
