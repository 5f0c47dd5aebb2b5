"""An evaluator in place of a data set's own: a paper's classifier counts modes, and the verdict stays with ours."""

from __future__ import annotations

import hashlib

from torch import Tensor

from ganbench.data.evaluators.base import Evaluator, Features


class OtherClassifier:
    """A classifier in place of the data set's own evaluator.

    The verdict and the collapse detector go on seeing samples by the data set's own evaluator, so they are the same
    under all protocols. The hash is that of both, since a run's numbers depend on both.

    Attributes:
        name: the names of both.
    """

    def __init__(self, classifier: Evaluator, own: Evaluator) -> None:
        self._classifier = classifier
        self.name = f"{classifier.name}, for the verdict {own.name}"
        self.sha256 = both_sha256(classifier.sha256, own.sha256)

    def __call__(self, samples: Tensor) -> Features:
        """Features of N samples by the classifier, which accepts what the data set's own evaluator does."""
        return self._classifier(samples)


def both_sha256(classifier: str, own: str) -> str:
    """Hash of everything that a run's numbers depend on, from those of the classifier and the own evaluator."""
    return hashlib.sha256(f"{classifier} {own}".encode()).hexdigest()
