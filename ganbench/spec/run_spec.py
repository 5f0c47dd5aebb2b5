"""Run specs: settings resolved into a complete specification, and the run ids derived from it.

Settings are merged in a fixed order, later ones overriding earlier ones: the defaults of each component, the recipe of
the loss, the config file, the flags. The result, `RunSpec`, contains everything that a run's result depends on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from ganbench.core.errors import GanbenchError
from ganbench.core.registry import from_options, near_miss
from ganbench.core.settings import COMPONENTS, TABLES, Settings, merge, parse_component, parse_components, parse_count
from ganbench.data import DATASETS, Dataset
from ganbench.evaluation.dataset_and_protocol import dataset_and_protocol
from ganbench.evaluation.protocols import Case, Protocol
from ganbench.methods.archs import Arch
from ganbench.methods.losses import LOSSES, Loss
from ganbench.methods.penalties import PENALTIES, Penalty
from ganbench.methods.wrappers import WRAPPERS, Wrapper
from ganbench.spec.arch_for import arch_for
from ganbench.spec.budget import step_costs, steps_for
from ganbench.spec.networks import check_networks, wrapped_critic
from ganbench.spec.spec_record import SpecRecord
from ganbench.spec.train_spec import BUDGETS, EvaluationSpec, TrainSpec

RESULTS_VERSION = 3
"""Increased when the same spec yields different numbers (streams, trainer), so that old run ids no longer match."""

DEFAULT_EPOCHS = 8
DEFAULT_EVALUATIONS = 20
DEFAULT_EVERY = 100
"""Minimum default interval: with fewer steps between evaluations, scoring would take more time than training."""


@dataclass(frozen=True)
class RunSpec:
    """Everything that the result of a run depends on, except the seed."""

    loss: Loss
    penalties: tuple[Penalty, ...]
    arch: Arch
    wrappers: tuple[Wrapper, ...]
    dataset: Dataset
    protocol: Protocol
    train: TrainSpec
    evaluation: EvaluationSpec

    def to_dict(self) -> Settings:
        """The spec as plain nested values; `resolve` turns them into the same spec."""
        return {
            "loss": self.loss.to_spec(),
            "penalty": [penalty.to_spec() for penalty in self.penalties],
            "arch": self.arch.to_spec(),
            "wrapper": [wrapper.to_spec() for wrapper in self.wrappers],
            "dataset": self.dataset.to_spec(),
            "protocol": self.protocol.to_spec(),
            "train": dataclasses.asdict(self.train),
            "evaluation": dataclasses.asdict(self.evaluation),
        }

    @property
    def case(self) -> Case:
        """The protocol's settings for the data set."""
        return self.protocol.case(self.dataset)

    @property
    def protocol_label(self) -> str:
        """The protocol's name and version."""
        return self.protocol.label(self.case, self.evaluation.samples)

    @property
    def costs(self) -> dict[str, int]:
        """Cost of one step in every currency of `ganbench.spec.budget`."""
        return step_costs(self.train, self.loss, self.penalties)

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        """A newly initialised generator, from latents to samples [B, *shape]."""
        return self.arch.generator(shape)

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        """A newly initialised critic with all its wrappers, from packs of samples to logits."""
        return wrapped_critic(self.arch, self.wrappers, shape, self.train.pac, self.train.packs)

    @property
    def title(self) -> str:
        """Loss, architecture and data set, for headings."""
        return self.record.title

    @property
    def record(self) -> SpecRecord:
        """The spec as plain values, with the versions of all that its results depend on."""
        versions = {
            "science": RESULTS_VERSION,
            "data": self.dataset.version,
            "protocol": self.protocol.version,
            "evaluator": self.case.evaluator_sha256(self.dataset),
            **self.foreign_code(),
        }
        return SpecRecord(self.to_dict(), versions, float(self.train.steps * self.costs["critic_evaluations"]))

    @property
    def group_id(self) -> str:
        """Hash of the spec and of the versions of data, protocol and evaluator, shared by all its seeds."""
        return self.record.group_id

    def run_id(self, seed: int) -> str:
        """Hash of the same and the seed; it does not depend on paths, device or worker count."""
        return self.record.run_id(seed)

    def foreign_code(self) -> dict[str, str]:
        """Hashes of the code of plug-in components: changing a plug-in changes the run ids."""
        trained = (self.loss, *self.penalties, self.arch, *self.wrappers)
        parts = (*trained, self.dataset, self.protocol, *self.case.metrics.values())
        return {f"code of {part.name}": part.code_sha256() for part in parts if part.is_foreign()}


def resolve(settings: Mapping[str, Any]) -> RunSpec:
    """Turn settings into a spec: fill in defaults and recipes, and check everything.

    Raises:
        GanbenchError: an unknown name or option, a value of the wrong type or out of range, or a combination that
            can't be trained.
    """
    for key in settings:
        if key not in TABLES:
            raise GanbenchError(f"there is no setting '{key}': {near_miss(key, TABLES)}")
    loss = LOSSES.create(_component_options(settings, "loss", "minimax"))
    dataset_options = _component_options(settings, "dataset", "mnist")
    default_protocol = DATASETS[dataset_options["name"]].protocol
    dataset, protocol = dataset_and_protocol(
        dataset_options, _component_options(settings, "protocol", default_protocol)
    )
    case = protocol.case(dataset)
    arch = arch_for(dataset, _component_options(settings, "arch", "mlp"))
    penalties = tuple(map(PENALTIES.create, _component_list(settings, "penalty", loss.penalties)))
    wrappers = tuple(map(WRAPPERS.create, _component_list(settings, "wrapper", loss.wrappers)))
    train = _train_spec(_options(settings, "train"), loss, penalties, dataset)
    evaluation_defaults = {
        "every": min(train.steps, max(DEFAULT_EVERY, -(-train.steps // DEFAULT_EVALUATIONS))),
        "samples": dataset.scorable(case.samples),
        "quick_samples": dataset.scorable(min(EvaluationSpec.quick_samples, case.samples)),
    }
    evaluation = from_options(EvaluationSpec, evaluation_defaults | _options(settings, "evaluation"), "evaluation")
    spec = RunSpec(
        loss=loss,
        penalties=penalties,
        arch=arch,
        wrappers=wrappers,
        dataset=dataset,
        protocol=protocol,
        train=train,
        evaluation=evaluation,
    )
    _check_trainable(spec)
    return spec


def apply_overrides(config: Mapping[str, Any], flags: Mapping[str, Any]) -> Settings:
    """Apply flags on top of a config file.

    If the flags name another component, the file's options for its own are dropped. With another loss, the file's
    penalties and wrappers and all options set by either loss's recipe are dropped too; with another data set, all
    options for which the two have different defaults. So `--loss wgan-gp` over a full dump of a minimax run trains
    wgan-gp as in its paper.
    """
    base = {key: dict(value) if isinstance(value, Mapping) else value for key, value in config.items()}
    for table in COMPONENTS:
        old, new = (_name(layer.get(table)) for layer in (base, flags))
        if old and new and old != new:
            base[table] = {}
            if table == "loss":
                base.pop("penalty", None)
                base.pop("wrapper", None)
                for option in {*LOSSES[old].recipe, *LOSSES[new].recipe}:
                    _drop(base, "train", option)
            elif table in ("dataset", "protocol"):
                if table == "dataset":
                    _drop_dataset_defaults(base, old, new)
                # The protocol determines the number of scored samples.
                _drop(base, "evaluation", "samples")
                _drop(base, "evaluation", "quick_samples")
    if any(budget in _options(flags, "train") for budget in BUDGETS):
        for budget in BUDGETS:
            _drop(base, "train", budget)
    return merge([base, flags])


def _drop_dataset_defaults(settings: Settings, *datasets: str) -> None:
    """Drop options for which these data sets have different defaults."""
    arch = _name(settings.get("arch"))
    of_datasets = [DATASETS[dataset].defaults for dataset in datasets]
    for table, defaults in (
        ("train", [each.get("train", {}) for each in of_datasets]),
        ("arch", [each.get("arch", {}).get(arch, {}) for each in of_datasets]),
    ):
        for option in set().union(*defaults):
            if any(each.get(option) != defaults[0].get(option) for each in defaults):
                _drop(settings, table, option)


def _name(table: Any) -> str | None:
    name = table.get("name") if isinstance(table, Mapping) else None
    return name if isinstance(name, str) else None


def _drop(settings: Settings, table: str, option: str) -> None:
    if isinstance(settings.get(table), dict):
        settings[table].pop(option, None)


def _train_spec(options: Settings, loss: Loss, penalties: Sequence[Penalty], dataset: Dataset) -> TrainSpec:
    dataset_defaults = dict(dataset.defaults.get("train", {}))
    default_epochs = dataset_defaults.pop("epochs", DEFAULT_EPOCHS)
    budgets = {budget: options.pop(budget) for budget in BUDGETS if budget in options}
    if len(budgets) > 1:
        raise GanbenchError(f"give one budget, not {' and '.join(budgets)}")
    spec: TrainSpec = from_options(TrainSpec, {**dataset_defaults, **loss.recipe, **options}, "train")
    [(currency, amount)] = budgets.items() or [("epochs", default_epochs)]
    amount = parse_count(amount) if isinstance(amount, str) else amount
    if currency == "steps":
        amount = int(amount) if isinstance(amount, float) and amount.is_integer() else amount
        spec_of_steps: TrainSpec = from_options(TrainSpec, dataclasses.asdict(spec) | {"steps": amount}, "train")
        return spec_of_steps
    costs = step_costs(spec, loss, penalties)
    # An epoch is one pass of the critic over the data: losses with more critic updates per step get fewer steps.
    costs["epochs"] = spec.batch_size * spec.n_critic
    scale = dataset.train_size if currency == "epochs" else 1
    if isinstance(amount, int | float) and not isinstance(amount, bool):
        amount *= scale
    return dataclasses.replace(spec, steps=steps_for(currency, amount, costs))


def _check_trainable(spec: RunSpec) -> None:
    size, batch = spec.dataset.train_size, spec.train.batch_size
    if batch > size:
        raise GanbenchError(f"batch size {batch} is larger than the data set ({spec.dataset.name} has {size} samples)")
    if spec.evaluation.samples > size and spec.dataset.finite:
        raise GanbenchError(
            f"evaluation.samples ({spec.evaluation.samples}) can't be more than the {size} training samples "
            f"that the floor is drawn from"
        )
    names = [wrapper.name for wrapper in spec.wrappers]
    for wrapper in spec.wrappers:
        if names.count(wrapper.name) > 1:
            raise GanbenchError(f"the wrapper '{wrapper.name}' is given twice: leave one out")
        for other in set(wrapper.excludes) & set(names):
            raise GanbenchError(f"'{wrapper.name}' can't be combined with '{other}': both bound the same weights")
        if spec.penalties and not wrapper.takes_penalties:
            raise GanbenchError(
                f"'{wrapper.name}' can't be combined with the penalty '{spec.penalties[0].name}': it makes the "
                f"gradient at one sample depend on the others in the batch; leave it out, or give the penalty 'none'"
            )
    check_networks(spec.arch, spec.wrappers, tuple(spec.dataset.shape), spec.train.pac, spec.train.packs, min(2, batch))


def _component_list(settings: Mapping[str, Any], key: str, default: Sequence[str]) -> list[Settings]:
    value = settings.get(key, [parse_component(text) for text in default])
    value = parse_components(value) if isinstance(value, str) else [value] if isinstance(value, Mapping) else value
    if not isinstance(value, list | tuple) or not all(map(_name, value)):
        raise GanbenchError(
            f"'{key}' must be text as on the command line, or tables with a name: [[{key}]] and name = '…' below"
        )
    return [dict(component) for component in value]


def _component_options(settings: Mapping[str, Any], key: str, default: str) -> Settings:
    options = _options(settings, key)
    name = options.setdefault("name", default)
    if not isinstance(name, str):
        raise GanbenchError(f"'{key}.name' must be a word, not {name!r}")
    return options


def _options(settings: Mapping[str, Any], key: str) -> Settings:
    options = settings.get(key, {})
    if not isinstance(options, Mapping):
        raise GanbenchError(f"'{key}' must be a table, not {options!r}: write [{key}] and its options below")
    return dict(options)
