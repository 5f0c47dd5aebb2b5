"""From settings to a resolved spec, and from a spec to its run id.

Settings are laid over each other in one order: the defaults of each component, the recipe of the loss, the config file,
the flags. What comes out, `RunSpec`, says everything that the result depends on.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganbench.archs import ARCHS, Arch
from ganbench.data import DATASETS, Dataset
from ganbench.errors import GanbenchError
from ganbench.losses import LOSSES, Loss
from ganbench.penalties import PENALTIES, Penalty
from ganbench.protocols import PROTOCOLS, Case, Protocol
from ganbench.registry import from_options, near_miss
from ganbench.settings import Settings, merge, parse_component

SCIENCE = 2
"""Raised when the same spec begins to mean other numbers (streams, trainer): old run ids then don't match."""

DEFAULT_EPOCHS = 8
DEFAULT_EVALUATIONS = 20
DEFAULT_EVERY = 100
"""Fewer steps than this between evaluations would spend more time on scoring than on training."""

STOP_ON = ("never", "collapse")
LEAST_SAMPLES = 500
"""Below this number of samples metrics mean nothing."""

TABLES = ("loss", "penalty", "arch", "dataset", "protocol", "train", "evaluation")


@dataclass(frozen=True)
class TrainSpec:
    """How training goes, whatever the loss."""

    steps: int = 1000
    batch_size: int = 64
    critic_steps: int = 1
    generator_lr: float = 2e-4
    critic_lr: float = 2e-4
    generator_betas: tuple[float, ...] = (0.5, 0.999)
    critic_betas: tuple[float, ...] = (0.5, 0.999)

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "critic_steps"):
            _require(getattr(self, name) >= 1, f"{name} must be at least 1, not {getattr(self, name)}")
        for role in ("generator", "critic"):
            lr, betas = getattr(self, f"{role}_lr"), getattr(self, f"{role}_betas")
            _require(0 < lr < float("inf"), f"{role}_lr must be above 0, not {lr}")
            _require(
                len(betas) == 2 and all(0 <= beta < 1 for beta in betas),
                f"{role}_betas must be two numbers in [0, 1), not {list(betas)}",
            )


@dataclass(frozen=True)
class EvaluationSpec:
    """When samples are scored, and how many.

    `every` steps `quick_samples` are scored, and `samples` at the end. They are separate series: scores at different
    numbers of samples are not comparable. With `stop_on` "collapse" a seed ends that stays collapsed for `patience`
    evaluations.
    """

    every: int = 500
    quick_samples: int = 2_000
    samples: int = 10_000
    stop_on: str = "never"
    patience: int = 5

    def __post_init__(self) -> None:
        _require(self.every >= 1, f"every must be at least 1, not {self.every}")
        _require(self.patience >= 1, f"patience must be at least 1, not {self.patience}")
        _require(self.stop_on in STOP_ON, f"stop_on must be one of {', '.join(STOP_ON)}, not {self.stop_on}")
        _require(
            self.quick_samples >= LEAST_SAMPLES,
            f"quick_samples must be at least {LEAST_SAMPLES}, not {self.quick_samples}: fewer mean nothing",
        )
        _require(
            self.quick_samples <= self.samples,
            f"quick_samples ({self.quick_samples}) can't be more than samples ({self.samples})",
        )


@dataclass(frozen=True)
class RunSpec:
    """Everything that the result of a run depends on, but for the seed."""

    loss: Loss
    penalties: tuple[Penalty, ...]
    arch: Arch
    dataset: Dataset
    protocol: Protocol
    train: TrainSpec
    evaluation: EvaluationSpec

    def to_dict(self) -> Settings:
        """The spec as plain nested values; `resolve` makes the same spec from them."""
        return {
            "loss": self.loss.to_spec(),
            "penalty": [penalty.to_spec() for penalty in self.penalties],
            "arch": self.arch.to_spec(),
            "dataset": self.dataset.to_spec(),
            "protocol": self.protocol.to_spec(),
            "train": dataclasses.asdict(self.train),
            "evaluation": dataclasses.asdict(self.evaluation),
        }

    @property
    def case(self) -> Case:
        """What the protocol says about the data set."""
        return self.protocol.case(self.dataset)

    @property
    def protocol_label(self) -> str:
        """The protocol's name and version."""
        return self.protocol.label(self.case, self.evaluation.samples)

    @property
    def images(self) -> int:
        """Real images that one seed's critic sees in all."""
        return self.train.steps * self.train.critic_steps * self.train.batch_size

    @property
    def title(self) -> str:
        """Loss, architecture and data set, for headings."""
        return " · ".join((self.loss.name, self.arch.name, self.dataset.name))

    @property
    def group_id(self) -> str:
        """Hash of the spec and of the versions of data, protocol and evaluator: what its seeds have in common."""
        return self._hash({})

    def run_id(self, seed: int) -> str:
        """Hash of the same and the seed. Paths, device and worker count have no part in it."""
        return self._hash({"seed": seed})

    def _foreign_code(self) -> dict[str, str]:
        """The code of components that aren't ours: a plug-in that was mended makes other runs."""
        parts = (self.loss, *self.penalties, self.arch, self.dataset, self.protocol, *self.case.metrics.values())
        return {f"code of {part.name}": part.code_sha256() for part in parts if part.is_foreign()}

    def _hash(self, more: Mapping[str, Any]) -> str:
        versions = {
            "science": SCIENCE,
            "data": self.dataset.version,
            "protocol": self.protocol.version,
            "evaluator": self.dataset.evaluator_sha256,
            **self._foreign_code(),
        }
        text = json.dumps({**self.to_dict(), "versions": versions, **more}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


def resolve(settings: Mapping[str, Any]) -> RunSpec:
    """Turn settings into a spec: fill in defaults and recipes, and check everything.

    Raises:
        GanbenchError: an unknown name or option, a value of the wrong type or out of range, or a combination that
            can't be trained.
    """
    for key in settings:
        if key not in TABLES:
            raise GanbenchError(f"there is no setting '{key}': {near_miss(key, TABLES)}")
    loss = LOSSES.create(_table(settings, "loss", "minimax"))
    dataset, protocol = _dataset_and_protocol(settings)
    case = protocol.case(dataset)
    arch_options = _table(settings, "arch", "mlp")
    arch = ARCHS.create(dict(dataset.defaults.get("arch", {}).get(arch_options["name"], {})) | arch_options)
    asked = settings.get("penalty", [parse_component(text) for text in loss.penalties])
    if not isinstance(asked, Sequence) or not all(map(_name, asked)):
        raise GanbenchError("'penalty' must be a list of tables, each with a name: [[penalty]] name = 'gp'")
    train = _train({**loss.recipe, **_options(settings, "train")}, dataset)
    usual = {
        "every": min(train.steps, max(DEFAULT_EVERY, -(-train.steps // DEFAULT_EVALUATIONS))),
        "samples": case.samples,
        "quick_samples": min(EvaluationSpec.quick_samples, case.samples),
    }
    evaluation = from_options(EvaluationSpec, usual | _options(settings, "evaluation"), "evaluation")
    spec = RunSpec(
        loss=loss,
        penalties=tuple(PENALTIES.create(each) for each in asked),
        arch=arch,
        dataset=dataset,
        protocol=protocol,
        train=train,
        evaluation=evaluation,
    )
    _check(spec)
    return spec


def lay_over(config: Mapping[str, Any], flags: Mapping[str, Any]) -> Settings:
    """Lay flags over a config file.

    Where flags name another component, the options that the file gives to its own are dropped; and with another loss
    its penalties and the options that either loss has a recipe for. So `--loss wgan-gp` over a full dump of a minimax
    run is wgan-gp as its paper has it.
    """
    below = {key: dict(value) if isinstance(value, Mapping) else value for key, value in config.items()}
    for table in ("loss", "arch", "dataset", "protocol"):
        old, new = (_name(layer.get(table)) for layer in (below, flags))
        if old and new and old != new:
            below[table] = {}
            if table == "loss":
                below.pop("penalty", None)
                for option in {*LOSSES[old].recipe, *LOSSES[new].recipe}:
                    _drop(below, "train", option)
            elif table in ("dataset", "protocol"):
                # How many samples are scored is the protocol's affair.
                _drop(below, "evaluation", "samples")
                _drop(below, "evaluation", "quick_samples")
    for option, other in (("steps", "epochs"), ("epochs", "steps")):
        if option in _options(flags, "train"):
            _drop(below, "train", other)
    return merge([below, flags])


def _name(table: Any) -> str | None:
    name = table.get("name") if isinstance(table, Mapping) else None
    return name if isinstance(name, str) else None


def _drop(settings: Settings, table: str, option: str) -> None:
    if isinstance(settings.get(table), dict):
        settings[table].pop(option, None)


def _dataset_and_protocol(settings: Mapping[str, Any]) -> tuple[Dataset, Protocol]:
    """A protocol may fix options of the data set: they are its defaults there."""
    options = _table(settings, "dataset", "mnist")
    usual = DATASETS[options["name"]].protocol
    protocol = PROTOCOLS.create(_table(settings, "protocol", usual))
    case = protocol.cases().get(options["name"])
    return DATASETS.create({**(case.data if case else {}), **options}), protocol


def _train(options: Settings, dataset: Dataset) -> TrainSpec:
    suited = dict(dataset.defaults.get("train", {}))
    epochs = options.pop("epochs", None)
    if epochs is not None and "steps" in options:
        raise GanbenchError("give either steps or epochs, not both")
    if epochs is None:
        epochs = suited.pop("epochs", DEFAULT_EPOCHS)
    suited.pop("epochs", None)
    options = {**suited, **options}
    if isinstance(epochs, bool) or not isinstance(epochs, int | float) or not 0 < epochs < 1e9:
        raise GanbenchError(f"epochs must be a number above 0, not {epochs!r}")
    spec: TrainSpec = from_options(TrainSpec, options, "train")
    if "steps" in options:
        return spec
    # An epoch is a pass of the critic over the data: losses with more critic steps get fewer generator steps for it.
    steps = round(epochs * dataset.train_size / (spec.batch_size * spec.critic_steps))
    return dataclasses.replace(spec, steps=max(1, steps))


def _check(spec: RunSpec) -> None:
    size, batch = spec.dataset.train_size, spec.train.batch_size
    if batch > size:
        raise GanbenchError(f"batch size {batch} is larger than the data set ({spec.dataset.name} has {size} samples)")
    if spec.evaluation.samples > size and spec.dataset.finite:
        raise GanbenchError(
            f"evaluation.samples ({spec.evaluation.samples}) can't be more than the {size} training samples "
            f"that the floor is drawn from"
        )
    try:
        spec.arch.generator(spec.dataset.shape)
        spec.arch.critic(spec.dataset.shape)
    except (ValueError, RuntimeError) as error:
        raise GanbenchError(f"architecture '{spec.arch.name}' can't be built: {error}") from error


def _table(settings: Mapping[str, Any], key: str, default: str) -> Settings:
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


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)
