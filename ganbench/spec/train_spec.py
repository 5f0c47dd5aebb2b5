"""Options of training and evaluation that belong to no component."""

from __future__ import annotations

from dataclasses import dataclass

CURRENCIES = ("steps", "critic_steps", "generator_steps", "images", "critic_evaluations")
"""The currencies of a budget: see `ganbench.spec.budget.step_costs`."""
BUDGETS = (*CURRENCIES, "epochs")
"""The options of `train` that set a budget; at most one can be given."""
OPTIMIZERS = ("adam", "rmsprop", "sgd")
PRECISIONS = ("float32", "bf16")
STOP_ON = ("never", "collapse")


@dataclass(frozen=True)
class TrainSpec:
    """Options of training.

    Attributes:
        steps: number of steps, each `n_critic` updates of the critic and then `n_generator` of the generator.
        batch_size: number of real, and of generated, samples in an update.
        pac: number of samples packed into one input of the critic (Lin et al. 2018, arXiv:1712.04086).
        unrolled: number of critic updates that the generator's loss looks ahead (Metz et al. 2017, arXiv:1611.02163).
        optimizer: "adam", "rmsprop" with β2 as its smoothing, or "sgd" with β1 as its momentum.
        generator_betas, critic_betas: (β1, β2), or (β1, β2, β2 after the burn-in).
        burn_in: the fraction of training during which scheduled values move from their initial to their final value,
            along half a cosine: learning rates, β2, penalties with a `decay`, the half-life of `ema`.
        lr_decay: final learning rates as a fraction of the initial ones.
        ema: half-life of the moving average of the scored generator, as a fraction of all steps; 0 disables averaging.
        precision: of products and convolutions in training: "float32", or "bf16" with everything else in float32.
        instance_noise: standard deviation of the normal noise added to all critic inputs (Sønderby et al. 2017,
            arXiv:1610.04490); it falls linearly to zero over the fraction `noise_until` of training.
    """

    steps: int = 1000
    batch_size: int = 64
    pac: int = 1
    n_critic: int = 1
    n_generator: int = 1
    unrolled: int = 0
    optimizer: str = "adam"
    generator_lr: float = 2e-4
    critic_lr: float = 2e-4
    generator_betas: tuple[float, ...] = (0.5, 0.999)
    critic_betas: tuple[float, ...] = (0.5, 0.999)
    burn_in: float = 1.0
    lr_decay: float = 1.0
    ema: float = 0.0
    instance_noise: float = 0.0
    noise_until: float = 1.0
    precision: str = "float32"

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "pac", "n_critic", "n_generator"):
            _require(getattr(self, name) >= 1, f"{name} must be at least 1, not {getattr(self, name)}")
        for name in ("unrolled", "lr_decay", "ema", "instance_noise"):
            _require(getattr(self, name) >= 0, f"{name} must not be negative: {getattr(self, name)}")
        for name in ("burn_in", "noise_until"):
            _require(0 < getattr(self, name) <= 1, f"{name} must be in (0, 1], not {getattr(self, name)}")
        _require(self.ema <= 1, f"ema must be in [0, 1], not {self.ema}")
        _require(
            self.optimizer in OPTIMIZERS, f"optimizer must be one of {', '.join(OPTIMIZERS)}, not {self.optimizer}"
        )
        _require(
            self.precision in PRECISIONS, f"precision must be one of {', '.join(PRECISIONS)}, not {self.precision}"
        )
        for role in ("generator", "critic"):
            lr, betas = getattr(self, f"{role}_lr"), getattr(self, f"{role}_betas")
            _require(0 < lr < float("inf"), f"{role}_lr must be above 0, not {lr}")
            _require(
                len(betas) in (2, 3) and all(0 <= beta < 1 for beta in betas),
                f"{role}_betas must be two numbers in [0, 1), or three with β2 after the burn-in, not {list(betas)}",
            )
        _require(
            self.batch_size % self.pac == 0,
            f"pac ({self.pac}) must divide the batch size ({self.batch_size}): a batch is packed as a whole",
        )
        if self.optimizer == "rmsprop":
            _require(
                self.generator_betas[0] == self.critic_betas[0] == 0.0,
                "rmsprop has no momentum: the first of generator_betas and critic_betas must be 0",
            )

    @property
    def packs(self) -> int:
        """Number of inputs of one kind (real or generated) that the critic gets in an update."""
        return self.batch_size // self.pac


@dataclass(frozen=True)
class EvaluationSpec:
    """Schedule and sample sizes of evaluation.

    Every `every` steps `quick_samples` are scored, and `samples` at the end. They are separate series: scores at
    different numbers of samples are not comparable. With `stop_on` "collapse", a seed is stopped once it has stayed
    collapsed for `patience` evaluations.
    """

    every: int = 500
    quick_samples: int = 2_000
    samples: int = 10_000
    stop_on: str = "never"
    patience: int = 5

    def __post_init__(self) -> None:
        from ganbench.evaluation.protocols import MIN_SAMPLES  # imports torch, and names of options need none

        _require(self.every >= 1, f"every must be at least 1, not {self.every}")
        _require(self.patience >= 1, f"patience must be at least 1, not {self.patience}")
        _require(self.stop_on in STOP_ON, f"stop_on must be one of {', '.join(STOP_ON)}, not {self.stop_on}")
        _require(
            self.quick_samples >= MIN_SAMPLES,
            f"quick_samples must be at least {MIN_SAMPLES}, not {self.quick_samples}: fewer don't mean anything",
        )
        _require(
            self.quick_samples <= self.samples,
            f"quick_samples ({self.quick_samples}) can't be more than samples ({self.samples})",
        )


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)
