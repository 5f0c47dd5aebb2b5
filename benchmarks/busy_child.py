"""`python -m benchmarks.busy_child ARCH DATASET SEEDS`: steps per second of training, started as by `ganbench run`."""

from __future__ import annotations

import os
import sys

from ganbench.cli.console.threads import choose_waiting


def main(arch: str, dataset: str, seeds: str) -> None:
    choose_waiting()
    import torch

    from benchmarks.measure import seconds_each
    from ganbench.runs.ensemble_run import STRIDE
    from ganbench.spec.run_spec import resolve
    from ganbench.training.trainer import train

    named = {"loss": {"name": "non-saturating"}, "arch": {"name": arch}, "dataset": {"name": dataset}}
    spec = resolve({**named, "train": {"steps": 10**9}})
    device = torch.device("cpu")
    steps = train(spec, range(int(seeds)), spec.dataset.load(device, say=lambda _: None), device, every=STRIDE)
    print(STRIDE / seconds_each(steps, int(os.environ["STEPS"]) // STRIDE, device, 3))


if __name__ == "__main__":
    main(*sys.argv[1:])
