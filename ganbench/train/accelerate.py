"""A step recorded as a CUDA graph: its hundreds of small kernels are launched at once, not one by one from Python.

Where a recording is made it proves itself on the spot: it has to change the state as the plain step does. A step that
can't be recorded, or comes out different, goes on being made plainly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten, tree_unflatten

from ganbench.config import RunSpec
from ganbench.train.optimizers import KINDS
from ganbench.train.state import State
from ganbench.train.step import Given

WARM_UP = 3
"""Plain steps before one is recorded: libraries choose their kernels and workspaces in them."""
TOLERANCE = 1e-2
"""Between the changes that a recorded and a plain step make, relative to the latter, in L2 over the whole state."""

Statistics = dict[str, Tensor]
MakeStep = Callable[[Given], Statistics]
Record = Callable[[Callable[[], Statistics]], tuple[Callable[[], None], Statistics]]
"""From a function to what repeats its kernels, and the tensors in which its results will lie."""


def accelerate(step: MakeStep, spec: RunSpec, state: State, device: torch.device) -> MakeStep:
    """The fastest way known here to make the step: on a GPU a recording, on a CPU the step itself."""
    return Recorded(step, state, record_cuda_graph) if device.type == "cuda" and recordable(spec) else step


def recordable(spec: RunSpec) -> bool:
    """Whether all that differs from step to step is in tensors: a recording repeats its plain numbers as they were."""
    train = spec.train
    steady = all(betas[1] == betas[-1] for betas in (train.generator_betas, train.critic_betas))
    return KINDS[train.optimizer].reads_rate and steady and train.unrolled == 0 and train.instance_noise == 0


class Recorded:
    """A step that is recorded after a few plain ones, and replayed from then on."""

    def __init__(self, step: MakeStep, state: State, record: Record) -> None:
        self._step, self._state, self._record = step, state, record
        self._plain_steps_left: float = WARM_UP
        self._inputs: Sequence[Tensor] = ()
        self._outputs: Statistics = {}
        self._replay: Callable[[], None] | None = None

    def __call__(self, given: Given) -> Statistics:
        if self._replay is not None:
            torch._foreach_copy_(list(self._inputs), tree_flatten(given)[0])
            self._replay()
            return self._outputs
        if self._plain_steps_left > 0:
            self._plain_steps_left -= 1
            return self._step(given)
        return self._begin(given)

    def _begin(self, given: Given) -> Statistics:
        """Make a step plainly, then again as a recording of it; keep that if the state comes out the same."""
        live = self._state.everything()
        before = [tensor.clone() for tensor in live]
        statistics = self._step(given)
        after = [tensor.clone() for tensor in live]
        torch._foreach_copy_(live, before)
        inputs, structure = tree_flatten(given)
        self._inputs = [tensor.clone() for tensor in inputs]
        try:
            replay, self._outputs = self._record(lambda: self._step(tree_unflatten(self._inputs, structure)))
            replay()
            same = _distance(live, after) <= TOLERANCE * _distance(before, after)
        except RuntimeError:  # what can't be recorded: the loss waits for the device, for example
            same = False
        if same:
            self._replay = replay
        else:
            self._plain_steps_left = float("inf")
        torch._foreach_copy_(live, after)
        return statistics


def record_cuda_graph(function: Callable[[], Statistics]) -> tuple[Callable[[], None], Statistics]:
    """Record what a function launches on the GPU, without running it."""
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        outputs = function()
    return graph.replay, outputs


def _distance(some: Sequence[Tensor], others: Sequence[Tensor]) -> float:
    squares = [(one.double() - other.double()).square().sum() for one, other in zip(some, others, strict=True)]
    return float(torch.stack(squares).sum().sqrt())
