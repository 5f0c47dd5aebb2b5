"""Names of our tags in MLflow; doesn't import MLflow."""

from __future__ import annotations

import re

from ganbench.core.errors import GanbenchError

RUN, GROUP, STATUS, KIND = "ganbench.run", "ganbench.group", "ganbench.status", "ganbench.kind"
SEED, ENDED_AT = "ganbench.seed", "ganbench.ended-at"
OUR_NOTE = "ganbench.note"
"""Hash of the description that we gave a run, so that one which somebody has written is left alone."""
EXPERIMENT_KIND, MODEL_TRAINING = "mlflow.experimentKind", "custom_model_development"
"""Tag and value with which MLflow opens an experiment on its runs, rather than on the traces of language models."""


def check_experiment_name(name: str) -> None:
    """Reject a name that isn't plain text, since it becomes part of a path."""
    if not re.fullmatch(r"[\w][\w .+-]{0,99}", name):
        raise GanbenchError(
            f"the experiment's name '{name}' may only contain letters, digits, spaces and . _ + - (at most 100)"
        )


def deleted_experiment(name: str) -> GanbenchError:
    return GanbenchError(f"the experiment '{name}' was deleted in MLflow: restore it there or choose another name")
