"""Cost of a step in every currency that a budget can be given in.

Losses can't be compared by steps: one trains its critic five times per step, another also uses real samples in the
generator's update, and a gradient penalty doubles the critic's work. So all of these are counted.
"""

from __future__ import annotations

from collections.abc import Sequence

from ganbench.core.errors import GanbenchError
from ganbench.methods.losses import Loss
from ganbench.methods.penalties import Penalty
from ganbench.spec.train_spec import TrainSpec


def step_costs(train: TrainSpec, loss: Loss, penalties: Sequence[Penalty]) -> dict[str, int]:
    """Cost of one step, by currency.

    critic_steps and generator_steps count updates of a network, images count real samples seen. A critic evaluation is
    one pass of one sample through the critic, forward or backward: an update of the critic takes 4 per sample (real and
    generated, forward and backward) and 4 more for each penalty (forward, back to the input, and back through both);
    an update of the generator takes 2, and 1 more if the loss is paired. An unrolled critic update costs twice as much
    as an ordinary one: it is made, and differentiated through.
    """
    critic_update = 4 * (1 + len(penalties))
    generator_update = 2 + loss.paired + 2 * train.unrolled * critic_update
    return {
        "steps": 1,
        "critic_steps": train.n_critic,
        "generator_steps": train.n_generator,
        "images": train.batch_size * (train.n_critic + train.n_generator * sees_real(train, loss)),
        "critic_evaluations": train.batch_size
        * (train.n_critic * critic_update + train.n_generator * generator_update),
    }


def sees_real(train: TrainSpec, loss: Loss) -> bool:
    """Return whether the generator's update needs real samples."""
    return loss.paired or train.unrolled > 0


def steps_for(currency: str, amount: float, costs: dict[str, int]) -> int:
    """The number of steps, at least one, whose cost is nearest to a budget.

    Raises:
        GanbenchError: the amount is not a positive number.
    """
    if isinstance(amount, bool) or not isinstance(amount, int | float) or not 0 < amount < 1e15:
        raise GanbenchError(f"{currency} must be a number above 0 and below 10^15, not {amount!r}")
    return max(1, round(amount / costs[currency]))
