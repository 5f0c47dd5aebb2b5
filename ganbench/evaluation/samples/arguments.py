"""Arguments of operators, checked against the operator's schema before it is called."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

_TYPES: Mapping[str, tuple[type, ...]] = {
    "Tensor": (Tensor, bool, int, float),  # PyTorch takes a number where that makes sense, as in x + 0.5
    "number": (bool, int, float),
    "float": (bool, int, float),
    "int": (int,),
    "bool": (bool,),
    "str": (str,),
    "ScalarType": (torch.dtype,),
    "MemoryFormat": (torch.memory_format,),
    "Layout": (torch.layout,),
    "Device": (torch.device,),
}
"""The types that a value may have, by the schema's name; a name that isn't here is refused."""
_WHOLE = 2**63
"""Whole numbers of operators are below it."""
_WRAPPED = re.compile(r"(Optional|List)\[(.*)\]")


def check_arguments(function: Callable[..., Any], positional: Sequence[object], named: Mapping[str, object]) -> None:
    """Check the arguments of an ATen operator; arithmetic on sizes takes plain numbers.

    Raises:
        TypeError: one has another type than the schema says, or there is no such argument.
    """
    if not isinstance(function, OpOverload):
        if named or not all(_fits(value, "number") for value in positional):
            raise TypeError("arithmetic takes numbers")
        return
    schema = function._schema
    arguments = schema.arguments
    if len(positional) > len(arguments):
        raise TypeError(f"{schema.name} takes {len(arguments)} arguments, not {len(positional)}")
    by_name = {argument.name: argument for argument in arguments}
    unknown = sorted(named.keys() - by_name.keys())
    if unknown:
        raise TypeError(f"{schema.name} has no argument '{unknown[0]}'")
    given = [*zip(arguments, positional, strict=False), *((by_name[name], value) for name, value in named.items())]
    for argument, value in given:
        kind = str(argument.real_type)
        if not _fits(value, kind):
            raise TypeError(f"{schema.name} takes {kind} for '{argument.name}', not {type(value).__name__}")


def _fits(value: object, kind: str) -> bool:
    if match := _WRAPPED.fullmatch(kind):
        wrapper, inner = match.groups()
        if wrapper == "Optional":
            return value is None or _fits(value, inner)
        if isinstance(value, list):
            return all(_fits(item, inner) for item in value)
        return inner == "int" and _fits(value, inner)  # one size for all dimensions
    if kind == "int" and isinstance(value, bool):
        return False
    if isinstance(value, int) and not -_WHOLE <= value < _WHOLE:
        return False
    return isinstance(value, _TYPES.get(kind, ()))
