"""Records of runs from their tags and numbers in MLflow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ganbench.tracking.base import RunRecord
from ganbench.tracking.mlflow.beside_scores import TAG
from ganbench.tracking.mlflow.names import GROUP, RUN, SEED, STATUS
from ganbench.tracking.tag_values import number_in, status_in, text_in

TAG_PREFIX = "ganbench."


def run_record(
    tags: Mapping[str, str], params: Mapping[str, str], history: Sequence[tuple[str, int, float]]
) -> RunRecord:
    """Return the record of a run with these tags, as they are named in MLflow.

    Raises:
        GanbenchError: a tag that every run has is missing, or isn't what it must be.
    """
    return RunRecord(
        id=text_in(tags, RUN),
        group=text_in(tags, GROUP),
        seed=number_in(tags, SEED),
        status=status_in(tags, STATUS),
        params=params,
        tags=our_tags(tags),
        history=history,
    )


def our_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that are ours, without their prefix; not those that hold numbers."""
    return {
        name.removeprefix(TAG_PREFIX): value
        for name, value in tags.items()
        if name.startswith(TAG_PREFIX) and not name.startswith(TAG)
    }
