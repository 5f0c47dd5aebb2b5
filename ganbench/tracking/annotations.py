"""Annotations as tags of runs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from ganbench.core.annotation import SEPARATOR, Annotation, parse_factors
from ganbench.tracking.tag_values import table_in, tag_error

NAME_TAG, DOSE_TAG, FACTORS_TAG, PRIMARY_TAG, COLLAPSED_TAG = "name", "dose", "factors", "primary", "collapsed"
TUNED_TAG = "tuned"
ANNOTATION_TAGS = (NAME_TAG, DOSE_TAG, FACTORS_TAG, PRIMARY_TAG, COLLAPSED_TAG, TUNED_TAG)


def annotation_tags(annotation: Annotation) -> dict[str, str]:
    """The tags to track; `annotation_from_tags` converts them back."""
    return {
        NAME_TAG: annotation.name,
        DOSE_TAG: json.dumps(dict(annotation.dose), ensure_ascii=False) if annotation.dose else "",
        FACTORS_TAG: SEPARATOR.join(annotation.factors),
        PRIMARY_TAG: ",".join(annotation.primary),
        COLLAPSED_TAG: annotation.collapsed,
        TUNED_TAG: annotation.tuned,
    }


def annotation_from_tags(tags: Mapping[str, str]) -> Annotation:
    """Read the annotation of a run from its tags; earlier versions, and `ganbench run`, tracked none."""
    return Annotation(
        name=tags.get(NAME_TAG, ""),
        dose=_dose(tags),
        factors=parse_factors(tags.get(FACTORS_TAG, "")),
        primary=tuple(metric for metric in tags.get(PRIMARY_TAG, "").split(",") if metric),
        collapsed=tags.get(COLLAPSED_TAG, ""),
        tuned=tags.get(TUNED_TAG, ""),
    )


def seed_title(title: str, seed: int) -> str:
    """Return the heading of a seed's run, from that of its group."""
    return f"{title} · seed {seed}"


def _dose(tags: Mapping[str, str]) -> dict[str, float]:
    dose = table_in(tags, DOSE_TAG)
    if not all(isinstance(amount, int | float) and abs(amount) < math.inf for amount in dose.values()):
        raise tag_error(tags, DOSE_TAG, "must have a number for each dose")
    return dose
