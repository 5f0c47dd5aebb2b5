"""Calls of allowed operators with absurd arguments, in a process of its own: `python -m … SEED CALLS`.

The last line names the call in progress, so that a process that ended by a signal says which call ended it.
"""

from __future__ import annotations

import random
import resource
import sys
import warnings
from collections.abc import Sequence

import torch
from torch import Tensor
from torch._ops import OpOverload

from ganbench.evaluation.samples.arguments import check_arguments
from ganbench.evaluation.samples.generators import FAILED
from ganbench.evaluation.samples.operators import ATEN, find_operator

MEMORY = 4 << 30
WHOLE = (0, 1, -1, 2, 3, -2, 7, 64, -64, 2**31 - 1, 2**31, -(2**31), 2**62, 2**63 - 1, -(2**63), 10**30)
FLOATS = (0.0, -0.0, 1.0, 0.5, -1.0, 1e308, -1e308, 1e-320, float("inf"), float("nan"))
WORDS = ("", "none", "floor", "trunc", "tanh", "same", "valid", "reflect", "circular", "x" * 1000, "ij,jk->ik", "...")
OTHERS = (
    *(None, True, False),
    *(torch.float32, torch.int64, torch.bool, torch.uint8, torch.bfloat16),
    *(torch.complex64, torch.strided, torch.contiguous_format, torch.channels_last, torch.preserve_format),
    torch.device("cpu"),
)


def tensor(chance: random.Random) -> Tensor:
    shape = [chance.choice((0, 1, 2, 3, 5)) for _ in range(chance.choice((0, 1, 2, 2, 3, 4, 4, 5)))]
    made = torch.randn(shape) * chance.choice((0.0, 1.0, 1e30))
    made = made.to(chance.choice((torch.float32, torch.float32, torch.int64, torch.bool, torch.uint8, torch.float64)))
    return made.transpose(0, -1) if made.ndim > 1 and chance.random() < 0.3 else made


def absurd(chance: random.Random) -> object:
    """Any value that a file can hold, whatever the operator takes."""
    kind = chance.randrange(7)
    if kind == 0:
        return chance.choice(WHOLE)
    if kind == 1:
        return chance.choice(FLOATS)
    if kind == 2:
        return chance.choice(WORDS)
    if kind == 3:
        return chance.choice(OTHERS)
    if kind == 4:
        return [absurd(chance) for _ in range(chance.randrange(4))]
    return tensor(chance)


def fitting(kind: str, chance: random.Random) -> object:
    """A value of the right type, and absurd otherwise."""
    inner = kind.partition("[")[2].removesuffix("]")
    if kind.startswith("Optional["):
        return None if chance.random() < 0.4 else fitting(inner, chance)
    if kind.startswith("List["):
        return [fitting(inner, chance) for _ in range(chance.choice((0, 1, 2, 2, 2, 3, 4, 20)))]
    values: dict[str, Sequence[object]] = {
        "int": WHOLE,
        "float": FLOATS,
        "number": (*WHOLE, *FLOATS),
        "bool": (True, False),
        "str": WORDS,
        "ScalarType": OTHERS[3:9],
        "Layout": (torch.strided,),
        "MemoryFormat": OTHERS[10:13],
        "Device": OTHERS[13:],
    }
    if kind in values:
        return chance.choice(values[kind])
    return chance.choice((*WHOLE, *FLOATS)) if chance.random() < 0.1 else tensor(chance)


def main(seed: int, calls: int) -> None:
    """Make this number of calls; most are refused, by ganbench or by PyTorch."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    chance = random.Random(seed)
    torch.manual_seed(seed)
    names = sorted(ATEN)
    accepted = 0
    for number in range(calls):
        name = names[number % len(names)]
        function = find_operator(f"torch.ops.aten.{name if '.' in name else f'{name}.default'}")
        assert isinstance(function, OpOverload)
        arguments = function._schema.arguments
        wild = chance.random() < 0.2
        values = [
            absurd(chance) if wild and chance.random() < 0.5 else fitting(str(argument.real_type), chance)
            for argument in arguments
        ]
        positional = [value for value, argument in zip(values, arguments, strict=True) if not argument.kwarg_only]
        named = {argument.name: value for value, argument in zip(values, arguments, strict=True) if argument.kwarg_only}
        described = [list(value.shape) if isinstance(value, Tensor) else value for value in values]
        print(f"{name} {str(described)[:2000]}", flush=True)
        try:
            check_arguments(function, positional, named)
            function(*positional, **named)
            accepted += 1
        except (*FAILED, RecursionError):
            pass
    print(f"{accepted} accepted")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
