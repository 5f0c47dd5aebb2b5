"""The tidy table as a CSV file: written with all digits, and read with every fault named by its line."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ganbench.core.errors import GanbenchError
from ganbench.results.csv_text import as_csv_text, from_csv_text
from ganbench.results.earlier import fill_facts_of_runs, upgrade_csv
from ganbench.results.loading import Results
from ganbench.results.possible import first_impossible
from ganbench.results.table import (
    COLUMNS,
    COSTS,
    MODE_WORD,
    NUMBERS,
    OF_A_RUN,
    REPRODUCTION,
    RESUMED,
    WORD_COLUMNS,
    typed,
)
from ganbench.results.views import STATUSES, facts_of, final_scores, headline, quick_scores
from ganbench.tracking.annotations import ANNOTATION_TAGS
from ganbench.tracking.metric_names import KINDS, SCORES

RARE = (RESUMED, MODE_WORD)
"""Columns that a CSV file has only if a run fills them."""
ONCE = ("headline", "mode_count", "options", "group", "commit", "device", *ANNOTATION_TAGS, *REPRODUCTION, *RARE)
"""Columns that a CSV file fills only in the first row of a run: they are long, and equal in all of its rows."""
DIRECTIONS = ("lower", "higher", "real")
SCALES = ("linear", "share", "log")
REQUIRED = (
    *("run", "group", "dataset", "protocol", "arch", "loss", "options", "seed", "step", *COSTS),
    *("metric", "value", "floor", "ceiling", "status", "commit", "device", "seconds"),
)
"""Columns that every version wrote."""


def read_csv(path: Path) -> Results:
    """Read a tidy table written by `write_csv`.

    Raises:
        GanbenchError: the file can't be read, or isn't such a table.
    """
    try:
        # Words such as NA and None are names like others.
        empty = {column: [""] for column in WORD_COLUMNS} | {column: ["", "nan", "NaN", "NA"] for column in NUMBERS}
        words = dict.fromkeys(WORD_COLUMNS, str)
        table = pd.read_csv(path, dtype=words, keep_default_na=False, na_values=empty)
    except (OSError, ValueError) as error:  # a malformed CSV raises a subclass of ValueError
        raise GanbenchError(f"results '{path}' can't be read: {error}") from error
    if not isinstance(table.index, pd.RangeIndex):
        # The first columns would be taken for the names of rows.
        raise GanbenchError(f"results '{path}' have lines with more cells than the first line has columns")
    missing = [column for column in REQUIRED if column not in table.columns]
    if missing:
        raise GanbenchError(
            f"results '{path}' lack the columns {', '.join(missing)}: write them with `ganbench report`"
        )
    table = upgrade_csv(table)
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise GanbenchError(f"results '{path}' lack the columns {', '.join(missing)}")
    for column in WORD_COLUMNS:
        table[column] = table[column].fillna("").map(from_csv_text)
    for column in ONCE:
        # Whatever the order of rows, the maximum is the filled-in value, since "" sorts before any word.
        if (table[column] != "").any():
            known = table.groupby("run")[column].transform("max")
            table[column] = table[column].mask(table[column] == "", known)
    headless = table[(table["run"] != "") & (table["group"] == "")]
    if not headless.empty:
        raise GanbenchError(
            f"results '{path}', line {headless.index[0] + 2}: of the run '{headless['run'].iloc[0]}' the row is "
            f"missing that says {', '.join(ONCE)}"
        )
    try:
        table = typed(fill_facts_of_runs(table)[COLUMNS])
    except (ValueError, TypeError, ArithmeticError) as error:
        raise GanbenchError(f"results '{path}' hold a value of the wrong type: {error}") from error
    for column, accepted in (("direction", DIRECTIONS), ("scale", SCALES)):
        others = sorted(set(table[column]) - {"", *accepted})
        if others:
            raise GanbenchError(f"results '{path}' have the unknown {column} '{others[0]}'")
    for scores in (final_scores(table), quick_scores(table)):
        bare = sorted(set(headline(scores)) - facts_of(scores, "direction").keys())
        if bare:
            raise GanbenchError(f"results '{path}' don't say which direction of '{bare[0]}' is better")
    impossible = first_impossible(table)
    if impossible is not None:
        raise GanbenchError(f"results '{path}', line {impossible.row + 2}: {impossible.words}")
    strange = sorted(set(table["status"]) - set(STATUSES))
    if strange:
        raise GanbenchError(f"results '{path}' have the unknown status '{strange[0]}'")
    unknown = sorted(set(table["kind"]) - {"", *KINDS})
    if unknown:
        raise GanbenchError(f"results '{path}' have numbers of the unknown kind '{unknown[0]}'")
    nameless = table[(table["run"] == "") | ((table["metric"] != "") & (table["kind"] == ""))]
    nameless = pd.concat([nameless, table[table["kind"].isin(SCORES) & (table["protocol"] == "")]])
    if not nameless.empty:
        # The first row is line 2 of the file.
        raise GanbenchError(
            f"results '{path}', line {nameless.index[0] + 2}: a number without its run, its kind or its protocol"
        )
    descriptions = table[["run", *OF_A_RUN]].drop_duplicates()
    torn = descriptions[descriptions["run"].duplicated()]
    if not torn.empty:
        raise GanbenchError(
            f"results '{path}', line {torn.index[0] + 2}: the run '{torn['run'].iloc[0]}' is another one than above "
            f"({', '.join(OF_A_RUN)} must be the same in all of its rows)"
        )
    return Results(table)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a tidy table: floats with all their digits, and the columns of `ONCE` only in a run's first row.

    Few runs are resumed elsewhere, or have clusters: without one, the file has no column for it, and is that of earlier
    versions.
    """
    import pyarrow.csv  # several times faster than pandas'; training needs neither

    again = table["run"].duplicated()
    words = {column: table[column].map(as_csv_text) for column in WORD_COLUMNS}
    once = {column: words[column].astype(object).mask(again, "") for column in ONCE}
    written = table.assign(**(words | once))
    written = written.drop(columns=[column for column in RARE if (written[column] == "").all()])
    pyarrow.csv.write_csv(pyarrow.Table.from_pandas(written, preserve_index=False), path)
