"""Checks of protocols."""

from __future__ import annotations

from dataclasses import replace

import torch

from ganbench.checks.base import CheckFailed, check
from ganbench.checks.features import make_images
from ganbench.checks.training import CPU
from ganbench.core.errors import GanbenchError
from ganbench.data import DATASETS
from ganbench.evaluation.metrics import Metric
from ganbench.evaluation.protocols import MIN_SAMPLES, Protocol
from ganbench.spec.run_spec import resolve


@check("protocols", "it names data sets, options and metrics that exist, and numbers of samples that mean something")
def cases(protocol: Protocol) -> None:
    if not protocol.cases():
        raise CheckFailed("it says nothing about any data set")
    for name, case in protocol.cases().items():
        dataset = DATASETS.create({"name": name, **case.data})
        if protocol.case(dataset) != case:
            raise CheckFailed(f"{name} with its options {dict(case.data)} isn't what it says about {name}")
        if not case.metrics:
            raise CheckFailed(f"it measures nothing of {name}")
        for word, metric in case.metrics.items():
            if not isinstance(metric, Metric):
                raise CheckFailed(f"'{word}' of {name} is {metric!r}, not a metric")
            if not word.isidentifier():
                raise CheckFailed(f"'{word}' of {name} needs quotes in MLflow and pandas: use letters, digits and _")
        unknown = [word for word in case.quick if word not in case.metrics]
        if unknown or not case.quick or len(set(case.quick)) < len(case.quick):
            raise CheckFailed(
                f"quick metrics of {name} are {list(case.quick)}: some of {list(case.metrics)}, each once"
            )
        named = {*case.headline, *((case.mode_count,) if case.mode_count else ())}
        if not named <= set(case.metrics):
            raise CheckFailed(
                f"headline and mode_count of {name} are {list(case.headline)} and {case.mode_count}: take them from "
                f"{list(case.metrics)}"
            )
        if case.samples < MIN_SAMPLES:
            raise CheckFailed(f"it scores {case.samples} samples of {name}: below {MIN_SAMPLES} metrics mean nothing")
        if dataset.finite and case.samples > dataset.train_size:
            raise CheckFailed(f"it scores {case.samples} samples of {name}, whose floor has only {dataset.train_size}")
        spec = resolve({"dataset": {"name": name}, "protocol": {"name": protocol.name}})
        if spec.evaluation.samples != case.samples:
            raise CheckFailed(f"a run on {name} would score {spec.evaluation.samples} samples, not {case.samples}")


@check("protocols", "it has an evaluator for its data, with the hash that run ids depend on")
def evaluated(protocol: Protocol) -> None:
    for name, case in protocol.cases().items():
        dataset = DATASETS.create({"name": name, **case.data})
        try:
            used, expected = case.evaluator(dataset, CPU).sha256, case.evaluator_sha256(dataset)
        except GanbenchError as error:
            raise CheckFailed(f"nothing tells the modes of {name}: {error}") from error
        if used != expected:
            raise CheckFailed(f"the hash of the evaluator of {name} is {used}, and run ids have {expected}")


@check("protocols", "its label is its name and version, and the number of samples where that isn't its own")
def labelled(protocol: Protocol) -> None:
    name_and_version = f"{protocol.name} v{protocol.version}"
    for case in protocol.cases().values():
        for samples, expected in ((case.samples, name_and_version), (1234, f"{name_and_version} at N=1,234")):
            label = protocol.label(case, samples)
            if label != expected:
                raise CheckFailed(f"with {samples} samples it is '{label}', not '{expected}'")


@check("protocols", "what it calls good is some of the samples, and it changes nothing else of them")
def good(protocol: Protocol) -> None:
    some = make_images(1)
    for name, case in protocol.cases().items():
        fake = replace(some, plausibility=torch.ones(len(some))) if case.second_opinion else some
        judged = case.rule(fake)
        if judged.good.dtype != torch.bool or judged.good.shape != (len(fake),):
            raise CheckFailed(
                f"of {len(fake)} samples of {name} `good` is {judged.good.dtype} {list(judged.good.shape)}"
            )
        if not judged.good.any():
            raise CheckFailed(f"no sample of {name} is good, not even at the centre of its mode")
        if not torch.equal(judged.labels, fake.labels):
            raise CheckFailed(f"its rule changes the modes of samples of {name}")
