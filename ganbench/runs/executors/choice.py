"""Choice of an executor by its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ganbench.runs.executors.base import Executor


def choose(
    name: str,
    *,
    jobs: int | None,
    threads: int | None,
    device: str,
    address: str | None,
    gpus: float | None,
    slurm: Mapping[str, str],
    log: Path,
    groups: float,
) -> Executor:
    """Create the executor `local`, `ray` or `slurm`.

    Args:
        jobs: number of concurrent tasks; None for the executor's default.
        threads: CPU threads of each task; None for the executor's default.
        device: `cpu` or `cuda`.
        address: address of a Ray cluster.
        gpus: fraction of a GPU for each task under Ray.
        slurm: options of sbatch for each job under Slurm.
        log: file for the output of local workers; Slurm's are in a folder beside it.
        groups: number of groups to train, done or not: how threads are divided mustn't depend on what is done.
    """
    if name == "slurm":
        from ganbench.runs.executors.slurm import Slurm

        return Slurm(jobs, threads, device, slurm, log)
    if name == "ray":
        from ganbench.runs.executors.ray import Ray

        return Ray(jobs, gpus if gpus is not None else float(device == "cuda"), address, threads, groups)
    from ganbench.runs.executors.local import Local

    return Local(jobs, device, log, threads, groups)
