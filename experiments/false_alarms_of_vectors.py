"""How often does a monitor of vectors cry wolf? Runs of a perfect sampler, which must have no event.

    .venv/bin/python experiments/false_alarms_of_vectors.py 300

A run has 1,000 real vectors of its own, the fewest that are accepted, around ten centres in eight dimensions. It is
watched 20 times, with 500 fresh ones each. It prints how many runs had an event of whatever kind, how many a verdict
other than GOOD, and the upper ends of the one-sided 95 % intervals of the rates (exact, Clopper & Pearson 1934).
"""

from __future__ import annotations

import sys
import time

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

import ganbench

LOOKS, REAL, SAMPLES, WIDTH = 20, 1_000, 500, 8


def main(runs: int) -> None:
    centres = np.random.default_rng(0).normal(size=(10, WIDTH)) * 2

    def draw(random: np.random.Generator, count: int) -> NDArray[np.float64]:
        vectors: NDArray[np.float64] = centres[random.integers(10, size=count)] + random.normal(size=(count, WIDTH))
        return vectors

    alarms, doubts, began = 0, 0, time.monotonic()
    for run in range(runs):
        random = np.random.default_rng((1, run))
        watch = ganbench.Monitor(real=draw(random, REAL), steps=LOOKS, device="cpu")
        words = set()
        for look in range(LOOKS):
            watch(look + 1, draw(random, SAMPLES))
            words.add(watch.summary().partition(" at step")[0])
        alarms += bool(watch.events)
        doubts += words != {"GOOD"}
        for event in watch.events:
            print(f"run {run}, look {event.step}: {event.kind}: {event.words}")
    for what, count in (("an event", alarms), ("a verdict other than GOOD", doubts)):
        upper = beta.ppf(0.95, count + 1, runs - count) if count < runs else 1.0
        print(f"{count} of {runs} runs of {LOOKS} looks had {what}; the rate is below {upper:.2%} (95 %)")
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]))
