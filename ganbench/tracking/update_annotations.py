"""Updates of tracked annotations, since an experiment file may name its methods after they have been trained."""

from __future__ import annotations

from collections.abc import Mapping

from ganbench.core.annotation import Annotation
from ganbench.tracking.annotations import NAME_TAG, annotation_from_tags, annotation_tags, seed_title
from ganbench.tracking.mlflow.reading import read_runs
from ganbench.tracking.mlflow.tracker import MlflowTracker
from ganbench.tracking.store import Store

FEW_NUMBERS = ("train/seconds",)
"""The only numbers that are read: the tags are what is needed."""


def update_annotations(store: Store, experiment: str, annotations: Mapping[str, Annotation]) -> int:
    """Annotate tracked runs, also those that have ended, where their tags differ; return the number of changed runs.

    Args:
        annotations: by group id; all seeds of a group are annotated.

    Raises:
        GanbenchError: there is no such experiment.
    """
    wanted = {group: annotation_tags(annotation) for group, annotation in annotations.items()}
    return _update(store, experiment, wanted)


def rename(store: Store, experiment: str, group: str, name: str) -> int:
    """Name the tracked runs of a group, and leave the rest of their annotations; return the number of changed runs.

    Raises:
        GanbenchError: there is no such experiment.
    """
    return _update(store, experiment, {group: {NAME_TAG: name}})


def _update(store: Store, experiment: str, wanted: Mapping[str, Mapping[str, str]]) -> int:
    changes: dict[str, dict[str, str]] = {}
    titles: dict[str, str] = {}
    for record in read_runs(store, experiment, history=False, needed=lambda tags: FEW_NUMBERS):
        tags = wanted.get(record.group, {})
        differing = {name: text for name, text in tags.items() if record.tags.get(name, "") != text}
        if differing:
            changes[record.id] = differing
            if label := annotation_from_tags({**record.tags, **differing}).label:
                titles |= {record.group: label, record.id: seed_title(label, record.seed)}
    if changes:
        tracker = MlflowTracker(store, experiment)
        tracker.tag(changes)
        tracker.title(titles)
    return len(changes)
