"""How often does the collapse detector cry wolf? Runs of a perfect sampler, which must have no event.

    .venv/bin/python experiments/false_alarms.py ring 300
    .venv/bin/python experiments/false_alarms.py mnist 300

A run is 20 looks at 2,000 real samples each, as in a default `ganbench run`: fresh draws of the exact mixture, or
random training images. It prints how many runs had an event of whatever kind, and the upper end of the one-sided 95 %
interval of the rate (exact, Clopper & Pearson 1934).
"""

from __future__ import annotations

import sys
import time

import torch
from scipy.stats import beta

from ganbench.data import DATASETS
from ganbench.data.evaluators import Features
from ganbench.evaluation.collapse_detector import detect
from ganbench.evaluation.observation import Observation
from ganbench.evaluation.protocols import PROTOCOLS
from ganbench.evaluation.scorer import Scorer

LOOKS = 20
SAMPLES = 2_000
FIRST_DRAW = 10_000
"""The floors and their noise come from draws with small numbers: these are others."""


def main(name: str, runs: int) -> None:
    device = torch.device("cpu")
    dataset = DATASETS.create({"name": name})
    data = dataset.load(device)
    case = PROTOCOLS.create({"name": "ganbench-1"}).case(dataset)
    scorer = Scorer.with_disk_cache(case, dataset, data)
    noise = scorer.beside_real.baseline(SAMPLES)
    everything = scorer.evaluator(data.batch(torch.arange(len(data)))) if dataset.finite else None

    def draw(number: int) -> Features:
        if everything is None:
            return scorer.evaluator(data.floor_samples(SAMPLES, FIRST_DRAW + number))
        random = torch.Generator().manual_seed(FIRST_DRAW + number)
        return everything.select(torch.randperm(len(everything), generator=random)[:SAMPLES])

    alarms, began = 0, time.monotonic()
    for run in range(runs):
        looks = [Observation(look + 1, scorer.beside_real.summary(draw(run * LOOKS + look))) for look in range(LOOKS)]
        events = detect(looks, noise, LOOKS)
        alarms += bool(events)
        for event in events:
            print(f"run {run}, look {event.step}: {event.kind}: {event.words}")
    upper = beta.ppf(0.95, alarms + 1, runs - alarms) if alarms < runs else 1.0
    print(
        f"{name}: {alarms} of {runs} runs of {LOOKS} looks at {SAMPLES:,} real samples had an event; "
        f"the rate is below {upper:.2%} (95 %); {time.monotonic() - began:.0f} s"
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
