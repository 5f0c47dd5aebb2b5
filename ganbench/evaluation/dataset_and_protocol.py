"""Creation of a data set together with the protocol that scores samples of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ganbench.data import DATASETS, Dataset
from ganbench.evaluation.protocols import PROTOCOLS, Protocol


def dataset_and_protocol(dataset: Mapping[str, Any], protocol: Mapping[str, Any]) -> tuple[Dataset, Protocol]:
    """Create both from their names and options; options that the protocol fixes become the data set's defaults.

    `Protocol.case` refuses the data set if an option was given that contradicts the protocol.

    Raises:
        GanbenchError: an unknown name or option, or a value of the wrong type or out of range.
    """
    created = PROTOCOLS.create(protocol)
    case = created.cases().get(dataset["name"])
    return DATASETS.create({**(case.data if case else {}), **dataset}), created
