"""A resolved spec as plain values: its name, the ids of its runs and its work are known without torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SpecRecord:
    """The settings of a resolved spec, and the versions that its results depend on as well.

    Attributes:
        settings: the spec as plain nested values, which `ganbench.spec.run_spec.resolve` turns into the same spec.
        versions: of data, protocol and evaluator, and the code of plug-ins.
        work: of training one seed, in samples that pass through the discriminator: the budget closest to time.
    """

    settings: Mapping[str, Any]
    versions: Mapping[str, Any]
    work: float

    @property
    def dataset(self) -> str:
        """The name of its data set."""
        return str(self.settings["dataset"]["name"])

    @property
    def protocol(self) -> str:
        """The name of its protocol."""
        return str(self.settings["protocol"]["name"])

    @property
    def title(self) -> str:
        """Loss, architecture and data set, for headings."""
        return " · ".join(str(self.settings[part]["name"]) for part in ("loss", "arch", "dataset"))

    @property
    def group_id(self) -> str:
        """Hash of settings and versions, shared by all its seeds."""
        return self._hash({})

    def run_id(self, seed: int) -> str:
        """Hash of the same and the seed; it does not depend on paths, device or worker count."""
        return self._hash({"seed": seed})

    def _hash(self, more: Mapping[str, Any]) -> str:
        text = json.dumps({**self.settings, "versions": self.versions, **more}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]
