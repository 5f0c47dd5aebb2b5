"""The job that a command or a call asks for, checked before anything is read or written."""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.core.device import find_device
from ganbench.evaluation.extra_metrics import check_extra_metrics, create_extra_metrics
from ganbench.runs.best_weights import parse_keep
from ganbench.runs.job import Job
from ganbench.runs.profiling import RunProfile
from ganbench.spec.annotations import read_name
from ganbench.spec.run_spec import RunSpec
from ganbench.tracking.annotations import NAME_TAG
from ganbench.tracking.store import Store


def asked_job(
    spec: RunSpec,
    seeds: tuple[int, ...],
    *,
    device: str,
    experiment: str,
    store: Store,
    force: bool,
    metrics: Sequence[str] = (),
    keep: str | None = None,
    name: str | None = None,
    accelerated: bool = True,
    profile: RunProfile | None = None,
) -> Job:
    """Return the job of training a spec.

    Args:
        device: as in `--device`.
        metrics: metrics outside the protocol, for the final samples.
        keep: `best:METRIC`, to keep the weights of the best evaluation as well.
        name: the method's name in tables and pictures.

    Raises:
        GanbenchError: a metric, `keep` or the name is unknown or malformed, or there is no such device.
    """
    extra_metrics = create_extra_metrics(metrics)
    check_extra_metrics(extra_metrics, spec.case, spec.protocol_label)
    return Job(
        spec,
        seeds,
        device=find_device(device),
        checkpoints=store.checkpoints(experiment, spec.group_id),
        force=force,
        accelerated=accelerated,
        extra_metrics=extra_metrics,
        profile=profile if profile is not None else RunProfile(),
        tags={NAME_TAG: read_name(name)} if name is not None else {},
        keep=parse_keep(keep, spec) if keep is not None else "",
    )
