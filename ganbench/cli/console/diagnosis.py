"""Tables of a diagnosis: planted faults by metrics, verdicts and accusations, for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ganbench.core.formatting import number
from ganbench.core.screen import WIDE, wrapped
from ganbench.evaluation.doctor import Diagnosis, Row
from ganbench.evaluation.praise import praised, praised_in_papers
from ganbench.evaluation.verdict_check import LEVEL, Accusations, VerdictResult
from ganbench.results.report.tables import markdown

MARKS = {"sees": "○", "blind": "·", "praises": "✗", "undefined": "–"}
CLAIMED, MISSED, PRAISED_IN_PAPERS = "●", "!", "△"
LEGEND = (
    "● detects it, as claimed   ○ detects it, too   · blind   – not defined\n"
    "✗ praises it: rates it better than real data by more than 5 sd\n"
    "△ detects it as beyond real data; papers, which read more as better, praise it\n"
    "! claims to detect it and doesn't"
)
PRAISE: Mapping[str, Callable[[Row], Sequence[str]]] = {
    "Praised faults (better than real data by more than 5 sd)": praised,
    "Praised if read as in papers (more is better, or fewer near-duplicates or copies)": praised_in_papers,
}


def show_diagnosis(diagnosis: Diagnosis, style: str, width: int = WIDE) -> str:
    """Format the planted faults and the metrics that detected them, as `table` or `markdown`.

    Args:
        width: the width that a `table` and its sentences are fitted to.
    """
    width = width if style == "table" else WIDE
    parts = [_title(diagnosis, style), _matrix(diagnosis, style, width), praise(diagnosis, style, width)]
    if diagnosis.verdicts:
        accusations = _accusations(diagnosis).splitlines()
        parts += [_verdicts(diagnosis, style, width), "\n".join(wrapped(line, width) for line in accusations)]
    return "\n\n".join(part.rstrip("\n") for part in parts)


def legend(width: int) -> str:
    """The meaning of the marks."""
    return "\n".join(wrapped(line, width) for line in LEGEND.splitlines())


def praise(diagnosis: Diagnosis, style: str, width: int = WIDE) -> str:
    """List the metrics that praise faults, each with the faults."""
    bullet = "- `{}`: {}" if style == "markdown" else "  {}: {}"
    parts = []
    for title, faults_of in PRAISE.items():
        faults = {row.metric: ", ".join(faults_of(row)) for row in diagnosis.rows}
        lines = [bullet.format(metric, names) for metric, names in faults.items() if names]
        parts.append("\n".join([f"{title}:", "", *lines] if lines else [f"{title}: none."]))
    return "\n\n".join("\n".join(wrapped(line, width, "    ") for line in part.splitlines()) for part in parts)


def _title(diagnosis: Diagnosis, style: str) -> str:
    title = f"{diagnosis.dataset}, {diagnosis.samples:,} samples, {diagnosis.protocol}"
    return f"**{title}**" if style == "markdown" else title


def _matrix(diagnosis: Diagnosis, style: str, width: int) -> str:
    if style == "markdown":
        head = ["fault", *(row.metric for row in diagnosis.rows)]
        real = ["real, mean", *(_real(row) for row in diagnosis.rows)]
        lines = [[fault, *(_mark(row, fault) for row in diagnosis.rows)] for fault in diagnosis.faults[1:]]
        return markdown(head, [real, *lines])
    names = max(map(len, diagnosis.faults)) + 2
    size = (width - names) // 2
    blocks = [diagnosis.rows[start : start + size] for start in range(0, len(diagnosis.rows), size)]
    return "\n\n".join(_block(rows, diagnosis.faults, names) for rows in blocks)


def _block(rows: Sequence[Row], faults: Sequence[str], names: int) -> str:
    """Faults down, metrics across, with the names of the metrics from top to bottom: each column is two wide."""
    height = max(len(row.metric) for row in rows)
    heads = [row.metric.rjust(height) for row in rows]
    lines = [" " * names + " ".join(head[line] for head in heads) for line in range(height)]
    accused = ["!" if "real" in row.failures else "·" for row in rows]
    lines.append("real".ljust(names) + " ".join(accused))
    lines += [fault.ljust(names) + " ".join(_mark(row, fault) for row in rows) for fault in faults[1:]]
    return "\n".join(line.rstrip() for line in lines)


def _real(row: Row) -> str:
    return number(row.real) + (" !" if "real" in row.failures else "")


def _mark(row: Row, fault: str) -> str:
    finding = row.findings[fault]
    if finding == "praises":
        return MARKS[finding]
    if fault in row.failures:
        return MISSED
    if fault in praised_in_papers(row):
        return PRAISED_IN_PAPERS
    return CLAIMED if fault in row.claims and finding == "sees" else MARKS[finding]


def _verdicts(diagnosis: Diagnosis, style: str, width: int) -> str:
    lines = [[fault, *_verdict(verdict)] for fault, verdict in diagnosis.verdicts.items()]
    if style == "markdown":
        return markdown(["fault", "right", "verdict", "missing", "untrue"], lines)
    names = max(map(len, diagnosis.faults)) + 2
    text = ["verdict"]
    for fault, right, said, missing, untrue in lines:
        wrong = f"; missing: {missing}" * bool(missing) + f"; untrue: {untrue}" * bool(untrue)
        text.append(wrapped(f"{fault.ljust(names)}{right} {said}{wrong}", width, " " * (names + 2)))
    return "\n".join(text)


def _verdict(result: VerdictResult) -> list[str]:
    said, missing, untrue = (", ".join(sorted(words)) for words in (result.said, result.missing, result.untrue))
    return ["✓" if result.right else "✗", said or "sound", missing, untrue]


def _accusations(diagnosis: Diagnosis) -> str:
    return "\n".join(_accused(origin, counts) for origin, counts in diagnosis.accusations.items())


def _accused(origin: str, counts: Accusations) -> str:
    low, high = counts.interval()
    words = ", ".join(f"{word} {count}" for word, count in sorted(counts.words.items()))
    return (
        f"{origin} samples accused: {counts.accused} of {counts.draws} sets, "
        f"{LEVEL:.0%} interval {low:.1%} to {high:.1%}" + f" ({words})" * bool(words)
    )
