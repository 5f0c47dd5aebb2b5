"""Steps recorded as CUDA graphs: hundreds of small kernels are launched at once, not one by one from Python.

A recording is verified as soon as it is made: it must change the state as the plain step does. A step that can't be
recorded, or gives different results, continues to run plainly, and the reason is reported.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from ganbench.spec.run_spec import RunSpec
from ganbench.training.optimizers import OPTIMIZERS_BY_NAME
from ganbench.training.state import State
from ganbench.training.step import StepInputs

WARM_UP = 3
"""Plain steps before recording, in which libraries choose their kernels and workspaces."""
TOLERANCE = 1e-2
"""Allowed L2 difference between the state changes of a recorded and a plain step, relative to the latter."""

Statistics = dict[str, Tensor]
MakeStep = Callable[[StepInputs], Statistics]
Record = Callable[[Callable[[], Statistics]], tuple[Callable[[], None], Statistics]]
"""Records a function: returns a callable that replays its kernels, and the tensors that will hold its results."""


class AcceleratedStep(Protocol):
    """A training step that may be replayed from a recording."""

    @property
    def words(self) -> str:
        """`yes` if steps are replayed, else `no, because …`."""

    def __call__(self, step_inputs: StepInputs) -> Statistics:
        """Run the step."""


def accelerate(step: MakeStep, spec: RunSpec, state: State, device: torch.device, wanted: bool) -> AcceleratedStep:
    """The fastest available form of the step: a recording on a GPU, the step itself on a CPU."""
    obstacle = why_not(spec, device) if wanted else "it was switched off"
    return PlainStep(step, obstacle) if obstacle else Recorded(step, state, record_cuda_graph)


def why_not(spec: RunSpec, device: torch.device) -> str:
    """The reason why steps can't be recorded, or an empty string if they can.

    A recording replays plain numbers unchanged, so everything that differs from step to step must be in tensors.
    """
    train = spec.train
    if device.type != "cuda":
        return "steps are only recorded on a GPU"
    if not OPTIMIZERS_BY_NAME[train.optimizer].reads_rate:
        return f"{train.optimizer} takes its learning rate as a plain number"
    if any(betas[1] != betas[-1] for betas in (train.generator_betas, train.critic_betas)):
        return "the second beta changes during training"
    if train.unrolled:
        return "unrolling creates new tensors in each step"
    return "instance noise changes during training" if train.instance_noise else ""


class PlainStep:
    """A step that runs without recording, and the reason."""

    def __init__(self, step: MakeStep, reason: str) -> None:
        self._step = step
        self.words = f"no, because {reason}"

    def __call__(self, step_inputs: StepInputs) -> Statistics:
        return self._step(step_inputs)


class Recorded:
    """A step that is recorded after a few plain ones and replayed from then on."""

    def __init__(self, step: MakeStep, state: State, record: Record) -> None:
        self._step, self._state, self._record = step, state, record
        self._plain_steps_left: float = WARM_UP
        self._inputs: Sequence[Tensor] = ()
        self._outputs: Statistics = {}
        self._replay: Callable[[], None] | None = None
        self.words = f"no, because nothing is recorded before step {WARM_UP + 1}"

    def __call__(self, step_inputs: StepInputs) -> Statistics:
        if self._replay is not None:
            torch._foreach_copy_(list(self._inputs), tree_flatten(step_inputs)[0])
            self._replay()
            return self._outputs
        if self._plain_steps_left > 0:
            self._plain_steps_left -= 1
            return self._step(step_inputs)
        return self._try_recording(step_inputs)

    def _try_recording(self, step_inputs: StepInputs) -> Statistics:
        """Run a step plainly, then again as a recording; keep the recording if the resulting state is the same."""
        tensors = self._state.all_tensors()
        before = [tensor.clone() for tensor in tensors]
        statistics = self._step(step_inputs)
        after = [tensor.clone() for tensor in tensors]
        torch._foreach_copy_(tensors, before)
        inputs, structure = tree_flatten(step_inputs)
        self._inputs = [tensor.clone() for tensor in inputs]
        try:
            replay, self._outputs = self._record(lambda: self._step(tree_unflatten(self._inputs, structure)))
            replay()
            off_by, change = _distance(tensors, after), _distance(before, after)
            reason = "" if off_by <= TOLERANCE * change else f"the recording was off by {off_by / change:.2g} of a step"
        except RuntimeError as error:  # something can't be recorded: for example, the loss synchronises with the device
            reason = f"it can't be recorded: {str(error).partition(chr(10))[0]}"
        if reason:
            self.words = f"no, because {reason}"
            self._plain_steps_left = float("inf")
        else:
            self.words = "yes"
            self._replay = replay
        torch._foreach_copy_(tensors, after)
        return statistics


def record_cuda_graph(function: Callable[[], Statistics]) -> tuple[Callable[[], None], Statistics]:
    """Record the kernels that a function launches on the GPU, without running them."""
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = function()
    return graph.replay, outputs


def _distance(some: Sequence[Tensor], others: Sequence[Tensor]) -> float:
    squares = [(one.double() - other.double()).square().sum() for one, other in zip(some, others, strict=True)]
    return float(torch.stack(squares).sum().sqrt())
