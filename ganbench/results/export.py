"""Export of an experiment's results and unfinished checkpoints to a folder, for machines whose store is not kept.

`FOLDER/EXPERIMENT/results.csv` holds all numbers so far, `checkpoints.tar` the interrupted groups. A sweep that finds
them counts the runs that finished there as finished, and resumes from those checkpoints.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from ganbench.core.annotation import Annotation
from ganbench.core.errors import GanbenchError
from ganbench.core.unfinished import remove_unfinished, unfinished_name
from ganbench.results.combining import NUMBER
from ganbench.results.csv_file import read_csv, write_csv
from ganbench.results.loading import load_results
from ganbench.results.table import ENDED_AT, FACTS, OF_A_RUN, annotation_texts, typed
from ganbench.results.views import runs
from ganbench.tracking import DONE, Status
from ganbench.tracking.annotations import ANNOTATION_TAGS
from ganbench.tracking.store import Store

CHECKPOINT = re.compile(r"[0-9a-f]{12}/seeds-[0-9a-z-]+\.safetensors")
"""Members of checkpoints.tar: a group's id and a file name."""
OVERTAKEN = ("", ENDED_AT.metric)
"""Rows that say how far a run has come; they are outdated once it has been resumed."""


class Export:
    """The export of one experiment.

    Args:
        folder: folder of all exports; files go into a subfolder named after the experiment.
    """

    def __init__(self, folder: Path, store: Store, experiment: str) -> None:
        self._folder = folder / experiment
        self._store = store
        self._experiment = experiment

    @property
    def results(self) -> Path:
        return self._folder / "results.csv"

    @property
    def _tar(self) -> Path:
        return self._folder / "checkpoints.tar"

    def statuses(self) -> dict[str, Status]:
        """Return the status of each run that is finished in the export, by run id.

        Raises:
            GanbenchError: results.csv can't be read.
        """
        if not self.results.exists():
            return {}
        ended = runs(read_csv(self.results).table)
        statuses = dict(zip(ended["run"].astype(str), ended["status"].astype(str), strict=True))
        return {run: status for run, status in statuses.items() if status in DONE}

    def annotate(self, annotations: Mapping[str, Annotation]) -> None:
        """Annotate the exported runs, whose experiment file may have changed; the file is written only if they differ.

        Args:
            annotations: by group id.

        Raises:
            GanbenchError: results.csv can't be read.
        """
        if not self.results.exists():
            return
        table = read_csv(self.results).table
        groups = table["group"].astype(object)
        texts = {group: annotation_texts(annotation) for group, annotation in annotations.items()}
        columns = {
            column: groups.map({group: text[column] for group, text in texts.items()}).fillna(
                table[column].astype(object)
            )
            for column in ANNOTATION_TAGS
        }
        if any((columns[column] != table[column].astype(object)).any() for column in columns):
            self._write(table.assign(**columns))

    def restore(self) -> None:
        """Unpack exported checkpoints to where the sweep looks for them; existing ones are kept.

        Raises:
            GanbenchError: checkpoints.tar is not a tar file, or contains something other than checkpoints.
        """
        if not self._tar.exists():
            return
        try:
            with tarfile.open(self._tar) as tar:
                for member in tar:
                    if not (member.isfile() and CHECKPOINT.fullmatch(member.name)):
                        raise GanbenchError(f"'{self._tar}' holds '{member.name}', which is no checkpoint")
                    group, _, name = member.name.partition("/")
                    to = self._store.checkpoints(self._experiment, group)
                    content = tar.extractfile(member)
                    if (to / name).exists() or content is None:
                        continue
                    to.mkdir(parents=True, exist_ok=True)
                    part = to / f".part-{name}"
                    part.write_bytes(content.read())
                    part.replace(to / name)
        except (tarfile.TarError, EOFError) as error:
            raise GanbenchError(f"'{self._tar}' can't be read: {error}") from error

    def write(self, groups: Sequence[str]) -> None:
        """Write all numbers so far, and any checkpoints of these groups."""
        self._folder.mkdir(parents=True, exist_ok=True)
        remove_unfinished(self._folder)
        try:
            table = load_results(self._store, self._experiment, history=True).table
        except GanbenchError:
            return  # nothing has been tracked yet
        if self.results.exists():
            table = merged(read_csv(self.results).table, table)
        self._write(table)
        checkpoints = {
            f"{group}/{path.name}": path
            for group in groups
            for path in sorted(self._store.checkpoints(self._experiment, group).glob("seeds-*.safetensors"))
        }
        _pack(checkpoints, self._tar)

    def _write(self, table: pd.DataFrame) -> None:
        part = self._folder / unfinished_name()
        write_csv(table, part)
        part.replace(self.results)


def merged(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Merge two tidy tables; numbers in both, and the columns that describe a run, are taken from the later one."""
    words = dict.fromkeys([*OF_A_RUN, "kind", "selection", "metric", *FACTS], object)
    older, newer = before.astype(words), now.astype(words)
    again = older["run"].isin(newer["run"])
    numbers, known = (pd.MultiIndex.from_frame(table[NUMBER]) for table in (older, newer))
    older = older[
        ~numbers.isin(known) & ~(again & older["metric"].isin(OVERTAKEN) & older["kind"].isin(("", "train")))
    ].copy()
    heads = runs(now).set_index("run")[list(OF_A_RUN)].astype(object)
    again = older["run"].isin(heads.index)
    for column in OF_A_RUN:
        older.loc[again, column] = older.loc[again, "run"].map(heads[column])
    return typed(pd.concat([older, newer], ignore_index=True))


def _pack(files: Mapping[str, Path], to: Path) -> None:
    if not files:
        to.unlink(missing_ok=True)
        return
    part = to.with_name(unfinished_name())
    with tarfile.open(part, "w") as tar:
        for name, path in files.items():
            tar.add(path, name)
    part.replace(to)
