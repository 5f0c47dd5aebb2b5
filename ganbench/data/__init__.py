"""Data sets with known modes, held on the device.

A data set is a component; loading it returns `Data`, from which the trainer takes batches by index and the protocols
take real samples to compare with.
"""

from __future__ import annotations

from ganbench.core.registry import import_folder
from ganbench.data.base import DATASETS, Data, Dataset, Kind

__all__ = ["DATASETS", "Data", "Dataset", "Kind"]

import_folder(__name__, __path__)
