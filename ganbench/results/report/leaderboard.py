"""The leaderboard for people and programs: a table for each setting, and the rules by which it is to be read."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from ganbench.core.formatting import all_digits, number, percents, with_sd
from ganbench.core.screen import WIDE, wrapped
from ganbench.results.grouping import shown_protocol
from ganbench.results.inference import MIN_SEEDS, Estimate
from ganbench.results.leaderboard import Board, Entry
from ganbench.results.report.escaping import for_csv, for_markdown, for_terminal
from ganbench.results.report.tables import FLOOR, METHOD, fitted, markdown

HEAD = ("seeds", "failed", "a mode missing", "real images", "seconds", "tuned", "commit")
RULE = (
    "Sorted by the interquartile mean of {metric} ({better} is better), best first; equal means by the share of all "
    "seeds in the table that the method's seeds beat, then by name."
)
BETTER = {"lower": "lower", "higher": "higher", "real": "nearer to real data"}
NOTE = (
    "Cells: interquartile mean over all seeds [95 % interval, from {least} seeds on]. Failed seeds (diverged, "
    "collapsed, stopped, not finished) rank worst; ∞ or −∞: more than a quarter of the seeds failed. Methods of which "
    "no seed has ended are left out. a mode missing: seeds whose samples have less than a tenth of the fair share of "
    "some mode, or that failed (95 % interval of their share). undecided: the best of these can't be told, by the "
    "rule of `ganbench compare`. Real images and seconds: the median of a seed's training. tuned: how the settings "
    "were found, as the authors say."
)
NOT_STATED = "not stated"
ALONE = "There is nothing to compare it with: one method was scored this way."
CSV_HEAD = (
    *("dataset", "protocol", "samples", "row", "method", "metric", "iqm", "low", "high", "sd", "standing"),
    *("seeds", "failed", "lost", "lost_low", "lost_high", "images", "seconds", "tuned", "commit", "run"),
)


def render_leaderboard(boards: Sequence[Board], style: str, width: int = WIDE) -> str:
    """Render boards in the style `table`, `markdown` or `csv`.

    Args:
        width: the width that a `table` is fitted to.
    """
    if style == "csv":
        return _as_csv(boards)
    note = NOTE.format(least=MIN_SEEDS)
    width = width if style == "table" else WIDE
    return "\n\n".join([*(_render(board, style, width) for board in boards), wrapped(note, width)])


def _render(board: Board, style: str, width: int) -> str:
    escape = for_terminal if style == "table" else for_markdown
    head = [METHOD, *board.metrics, *HEAD]
    rows = [_cells(board, entry) for entry in board.entries]
    floor = [FLOOR, *(with_sd(*_floor(board, metric)) for metric in board.metrics), *[""] * len(HEAD)]
    notes = [escape(line) for line in _notes(board)]
    if style == "markdown":
        return "\n\n".join([f"## {escape(str(board.setting))}", markdown(head, [*rows, floor]), *notes])
    table = fitted(
        head,
        rows,
        [floor],
        facts=["seeds", "failed", "tuned", "commit"],
        optional=["commit", "tuned", "seconds", "real images", "seeds", "failed", *reversed(board.metrics[1:])],
        width=width,
    )
    return "\n".join([wrapped(escape(str(board.setting)), width), table, *(wrapped(line, width) for line in notes)])


def _cells(board: Board, entry: Entry) -> list[str]:
    share = entry.lost_share
    failed = ", ".join(f"{count} {status}" for status, count in entry.unfinished.items())
    lost = "–" if entry.lost is None else f"{entry.lost} ({percents(share.low, share.high)})"
    return [
        entry.method,
        *(_cell(board, entry, metric) for metric in board.metrics),
        str(entry.seeds),
        failed or "0",
        lost,
        number(entry.images),
        number(entry.seconds),
        entry.tuned or NOT_STATED,
        ", ".join(entry.commits) or "–",
    ]


def _cell(board: Board, entry: Entry, metric: str) -> str:
    middle, low, high = _bounds(board, entry.estimates[metric], metric)
    text = number(middle) if math.isnan(low) else f"{number(middle)} [{number(low)} – {number(high)}]"
    standing = board.standing(entry.method, metric)
    return f"{text} {standing}" if standing in ("best", "undecided") else text


def _bounds(board: Board, estimate: Estimate, metric: str) -> tuple[float, float, float]:
    """The interquartile mean and the bounds of its interval, in scores, the lower bound first."""
    middle, best, worst = (board.score(loss, metric) for loss in (estimate.middle, estimate.low, estimate.high))
    return middle, min(best, worst), max(best, worst)


def _floor(board: Board, metric: str) -> tuple[float, float]:
    """The score of real data; 0 where nearer to it is better, since methods are shown by their distance from it."""
    floor = board.floors[metric]
    return (0.0 if board.directions[metric] == "real" else floor.value), floor.sd


def _notes(board: Board) -> list[str]:
    if not board.metrics:
        return ["None of these runs has a score."]
    rule = RULE.format(metric=board.metrics[0], better=BETTER[board.directions[board.metrics[0]]])
    return [rule] if len(board.entries) > 1 else [ALONE]


def _as_csv(boards: Sequence[Board]) -> str:
    """One row per setting, method (or real data) and metric, with all digits."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(CSV_HEAD)
    for board in boards:
        setting = board.setting
        protocol = shown_protocol(setting.protocol, setting.selection)
        where = (for_csv(setting.dataset), for_csv(protocol), _digits(setting.samples))
        for metric in board.metrics:
            for entry in board.entries:
                share = entry.lost_share
                numbers = (
                    *(entry.seeds, sum(entry.unfinished.values())),
                    *(_digits(math.nan if entry.lost is None else entry.lost), *map(_digits, share[1:])),
                    *(_digits(entry.images), _digits(entry.seconds)),
                )
                bounds = map(_digits, _bounds(board, entry.estimates[metric], metric))
                names = (for_csv(entry.method), for_csv(metric))
                end = (for_csv(entry.tuned), for_csv(", ".join(entry.commits)), for_csv(entry.run))
                standing = board.standing(entry.method, metric)
                writer.writerow([*where, "method", *names, *bounds, "", standing, *numbers, *end])
            value, sd = map(_digits, _floor(board, metric))
            writer.writerow([*where, "floor", FLOOR, for_csv(metric), value, "", "", sd, *[""] * 11])
    return buffer.getvalue().rstrip("\n")


def _digits(value: float) -> str:
    return "" if math.isnan(value) else all_digits(value)
