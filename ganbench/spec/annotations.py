"""Annotations in experiment files: names, doses and factors of an axis's values, and outcomes fixed in advance."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ganbench.core.annotation import LOST, Annotation
from ganbench.core.collapse_rule import parse_rule
from ganbench.core.errors import GanbenchError
from ganbench.core.plain_text import is_control
from ganbench.core.registry import near_miss
from ganbench.spec.spec_record import SpecRecord

OF_A_VALUE = ("name", "dose", "factors")
"""Keys of an axis's value that are no settings."""
MAX_LENGTH = 80
"""Characters of a name, and of what a dose is of."""
MAX_DOSE = 1e15


def read_annotation(value: Mapping[str, Any]) -> Annotation:
    """Read the name, the dose and the factors of an axis's value.

    Raises:
        GanbenchError: one of them is malformed.
    """
    return Annotation(
        name=_text(value["name"], "a name") if "name" in value else "",
        dose=_dose(value["dose"]) if "dose" in value else {},
        factors=_factors(value.get("factors", [])),
    )


def read_name(name: str) -> str:
    """Read the name of a method outside of an experiment file.

    Raises:
        GanbenchError: it is empty, too long, or more than a line.
    """
    return _text(name, "a name")


def annotate(
    outcomes: Mapping[str, Any],
    combinations: Sequence[tuple[SpecRecord, Sequence[Annotation]]],
    metrics: Collection[str],
) -> dict[str, Annotation]:
    """Return the annotation of each spec of an experiment file, by group id.

    Args:
        outcomes: the file's primary outcomes, rule for collapsed runs, and how its settings were found.
        combinations: each spec with the annotations of its axes' values, in the order of the axes.
        metrics: the names of all metrics that an outcome may be.

    Raises:
        GanbenchError: an outcome is malformed, two axes have doses, a name is too long, or it isn't the only one.
    """
    if len({place for _, values in combinations for place, value in enumerate(values) if value.dose}) > 1:
        raise GanbenchError("two axes have doses: only one may, or nothing says which of them is meant")
    shared = _outcomes(outcomes, metrics)
    annotations: dict[str, Annotation] = {}
    for spec, values in combinations:
        annotation = _combined(values, shared)
        if annotations.setdefault(spec.group_id, annotation) != annotation:
            names = " and ".join(f"'{each.label}'" for each in (annotations[spec.group_id], annotation))
            raise GanbenchError(f"the same settings are called {names}: leave one out")
    _check_labels({spec.group_id: spec for spec, _ in combinations}, annotations)
    return annotations


def _outcomes(file: Mapping[str, Any], metrics: Collection[str]) -> Annotation:
    """Read the primary outcomes, the rule for collapsed runs, and how the settings were found."""
    primary, collapsed = file.get("primary", []), file.get("collapsed")
    tuned = _text(file["tuned"], "tuned") if "tuned" in file else ""
    if not isinstance(primary, list) or not all(isinstance(metric, str) for metric in primary):
        raise GanbenchError(f'primary must be a list of metrics like ["fid", "{LOST}"], not {primary!r}')
    for metric in primary:
        _check_metric("primary", metric, metrics)
    if collapsed is None:
        return Annotation(primary=tuple(dict.fromkeys(primary)), tuned=tuned)
    if not isinstance(collapsed, str):
        raise GanbenchError(f'collapsed must be text like "kl_corrected > 1", not {collapsed!r}')
    rule = parse_rule(collapsed)
    _check_metric("collapsed", rule.metric, metrics)
    return Annotation(primary=tuple(dict.fromkeys(primary)), collapsed=str(rule), tuned=tuned)


def _combined(values: Sequence[Annotation], outcomes: Annotation) -> Annotation:
    """Combine the annotations of the values of a combination with the outcomes of its file."""
    name = ", ".join(value.name for value in values if value.name)
    if len(name) > MAX_LENGTH:
        raise GanbenchError(f"the name '{name}' has more than {MAX_LENGTH} characters")
    dose = {what: amount for value in values for what, amount in value.dose.items()}
    factors = [factor for value in values for factor in value.factors]
    if len(set(factors)) < len(factors):
        raise GanbenchError(f"two axes turn on the same factor: {', '.join(factors)}")
    return replace(outcomes, name=name, dose=dose, factors=tuple(factors))


def _check_labels(specs: Mapping[str, SpecRecord], annotations: Mapping[str, Annotation]) -> None:
    """Refuse two specs with the same name and dose; with other data or another protocol, they are one method."""
    labels = set[tuple[str, str, str]]()
    for group, spec in specs.items():
        annotation = annotations[group]
        label = (annotation.label, spec.dataset, spec.protocol)
        if annotation.name and label in labels:
            raise GanbenchError(
                f"two combinations are called '{annotation.label}': the values in which they differ need names or doses"
            )
        labels.add(label)


def _check_metric(key: str, metric: str, metrics: Collection[str]) -> None:
    known = {*metrics, LOST}
    if metric not in known:
        raise GanbenchError(f"{key}: there is no metric {metric!r}: {near_miss(metric, known)}")


def _text(text: Any, words: str) -> str:
    """Check that a text can be shown in one line."""
    if not isinstance(text, str):
        raise GanbenchError(f"{words} must be text, not {text!r}")
    if any(map(is_control, text)):
        raise GanbenchError(f"{words} must be one line without control characters, not {text!r}")
    if not text.strip():
        raise GanbenchError(f"{words} must not be empty")
    if len(text.strip()) > MAX_LENGTH:
        raise GanbenchError(f"{words} must have at most {MAX_LENGTH} characters, not {len(text.strip())}: '{text}'")
    return text.strip()


def _factors(written: Any) -> tuple[str, ...]:
    if not isinstance(written, list):
        raise GanbenchError(f'factors must be a list like ["R1", "R2"], not {written!r}')
    factors = tuple(_text(factor, "a factor") for factor in written)
    if any(";" in factor for factor in factors):
        raise GanbenchError(f"a factor can't contain a semicolon: {', '.join(factors)}")
    return factors


def _dose(written: Any) -> dict[str, float]:
    if not isinstance(written, Mapping) or not written:
        raise GanbenchError(f"a dose must be a table like {{ 'generator updates' = 5 }}, not {written!r}")
    for what, amount in written.items():
        _text(what, "what a dose is of")
        if "=" in what or ";" in what:
            raise GanbenchError(f"what a dose is of can't contain = or ;, as '{what}' does")
        if isinstance(amount, bool) or not isinstance(amount, int | float) or not abs(amount) <= MAX_DOSE:
            raise GanbenchError(f"the dose '{what}' must be a number, not {amount!r}")
    return {what.strip(): amount for what, amount in written.items()}
