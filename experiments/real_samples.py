"""Compute what real samples of the built-in data score, and write it into the package.

    .venv/bin/python experiments/real_samples.py                     # what is missing
    .venv/bin/python experiments/real_samples.py ring grid           # of some data sets, under ganbench's own protocol
    .venv/bin/python experiments/real_samples.py meg-stacked-2019    # of a protocol with a paper's classifier

The floors of all metrics at the protocol's number of samples, those of the quick metrics at the number used during
training, and the noise of the detector's and the verdict's numbers. Without them, the first run on a data set would
take a minute longer, or twenty on Stacked-MNIST (also with PacGAN's classifier; with the others a few). Numbers that
are there already are kept; delete the file to compute all of them again. `tests/evaluation/test_real_samples.py`
computes some of them again.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Mapping
from typing import Any

import torch

from ganbench.data import DATASETS
from ganbench.evaluation.cache import SHIPPED, DiskCache, digest
from ganbench.evaluation.dataset_and_protocol import dataset_and_protocol
from ganbench.evaluation.metrics import METRICS
from ganbench.evaluation.protocols import PROTOCOLS
from ganbench.evaluation.scorer import Scorer
from ganbench.spec.train_spec import EvaluationSpec

PROTOCOL = "ganbench-2"
WITH_A_PAPERS_CLASSIFIER = tuple(
    name for name in PROTOCOLS if any(case.classifier for case in PROTOCOLS[name]().cases().values())
)


def main(names: list[str]) -> None:
    for name in names:
        of_paper = name in WITH_A_PAPERS_CLASSIFIER
        names_of_both = {"name": "stacked-mnist" if of_paper else name}, {"name": name if of_paper else PROTOCOL}
        dataset, protocol = dataset_and_protocol(*names_of_both)
        case = protocol.case(dataset)
        data = dataset.load(torch.device("cpu"))
        label = f"{dataset.name} under {name}" if of_paper else name
        scorer = Scorer(case, dataset, data, case.evaluator(dataset, data.device), PackageFile(label))
        extra = {
            metric: METRICS.create({"name": metric})
            for metric in METRICS
            if metric not in case.metrics
            and not METRICS[metric].is_foreign()
            and (METRICS[metric].from_modes or not of_paper)
        }
        began = time.monotonic()
        scorer.beside_real.baseline(EvaluationSpec.quick_samples)
        scorer.floors(EvaluationSpec.quick_samples, case.quick)
        scorer.floors(case.samples, tuple(case.metrics))
        scorer.with_metrics(extra).floors(case.samples, tuple(extra))
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)


class PackageFile(DiskCache):
    """The package's file as a cache that is written; what can't be measured isn't kept.

    Args:
        label: what the numbers are of, for readers.
    """

    def __init__(self, label: str) -> None:
        super().__init__(None)
        self._label = label

    def keep_numbers(self, key: Mapping[str, Any], numbers: Mapping[str, float]) -> None:
        if any(map(math.isnan, numbers.values())):
            return
        what = key["metric"]["name"] if "metric" in key else key["what"]
        of = f"{self._label}, {key['samples']:,} samples: {what}"
        entries: list[dict[str, Any]] = json.loads(SHIPPED.read_text()) if SHIPPED.exists() else []
        entries.append({"of": of, "key": digest(key), "numbers": dict(numbers)})
        entries.sort(key=lambda entry: entry["of"])
        SHIPPED.write_text(json.dumps(entries, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    built_in = [name for name in DATASETS if not DATASETS[name].is_foreign()]
    main(sys.argv[1:] or [*built_in, *WITH_A_PAPERS_CLASSIFIER])
