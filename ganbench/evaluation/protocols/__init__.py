"""Named, versioned protocols: data, number of samples, rule for good samples, metrics and their options.

A number is meaningful only together with the protocol's name and version and the evaluator's hash. The same samples
score differently under different protocols, by known factors; published tables get this wrong.
"""

from __future__ import annotations

from ganbench.core.registry import import_folder
from ganbench.evaluation.protocols.base import MIN_SAMPLES, PROTOCOLS, Case, Protocol, Rule

__all__ = ["MIN_SAMPLES", "PROTOCOLS", "Case", "Protocol", "Rule"]

import_folder(__name__, __path__)
