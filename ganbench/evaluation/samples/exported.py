"""Programs written by `torch.export.save`, run without `torch.export.load`.

PyTorch's own loader must not be given an untrusted file. It unpickles the example inputs, and the weights if the file
says so, falling back to the unsafe pickle if the safe one refuses; it calls `eval` on the symbolic sizes, and `exec` on
Python assembled from the names in the graph; and it loads compiled libraries. None of this is needed to run a
generator. Its graph is a list of calls with plain arguments, as JSON, and its weights are raw bytes. So the calls are
made one by one here, and only of the operators in `operators.py`. There are no loops in a graph.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.data.zips import in_short
from ganbench.evaluation.samples.arguments import check_arguments
from ganbench.evaluation.samples.generators import FAILED, Network
from ganbench.evaluation.samples.operators import find_operator
from ganbench.evaluation.samples.training_mode import refuse_training_mode

SCHEMA = 8
"""Supported major version of the JSON schema; PyTorch increases it for changes that old readers would misunderstand."""

DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}

FLOATS = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}
"""The format's words for the floats that JSON lacks."""

Json = Any
"""A value from the file. Its structure isn't checked beforehand: a wrong one raises one of `FAILED` when read."""


ONLY_TRAINING = ("torch.ops.aten.native_dropout.default", "torch.ops.aten._native_batch_norm_legit_functional.default")
"""Operators of core ATen that networks in evaluation mode don't have."""


class UnsupportedError(RuntimeError):
    """The program needs something that isn't supported here."""


@dataclass(frozen=True)
class Call:
    """One call of the graph: the function, its arguments as JSON, and the names of its results."""

    target: str
    function: Callable[..., Any]
    positional: list[Json]
    named: dict[str, Json]
    constants: dict[str, object]
    """The arguments by name; a value that the graph computes is JSON."""
    results: list[Json]


class Program:
    """A graph of calls with its weights: latents [B, …] to samples."""

    def __init__(self, graph: Json, signature: Json, weights: dict[str, Tensor], device: torch.device) -> None:
        self._device = device
        self.calls = [_call(node) for node in graph["nodes"]]
        self._values: dict[str, Any] = {}
        inputs = []
        for spec in signature["input_specs"]:
            ((kind, content),) = spec.items()
            if kind == "user_input":
                inputs.append(content["arg"]["as_tensor"]["name"])
            elif kind in ("parameter", "buffer", "tensor_constant"):
                self._values[content["arg"]["name"]] = weights[content[f"{kind}_name"]].to(device)
            else:
                raise UnsupportedError(f"an input of kind {kind}")
        outputs = [
            spec["user_output"]["arg"]["as_tensor"]["name"]
            for spec in signature["output_specs"]
            if "user_output" in spec
        ]
        if len(inputs) != 1 or len(outputs) != 1:
            raise UnsupportedError(f"{len(inputs)} inputs and {len(outputs)} outputs instead of one each")
        (self._input,), (self._output,) = inputs, outputs
        latents = graph["tensor_values"][self._input]
        sizes = latents["sizes"]
        self.batch: int | None = sizes[0].get("as_int")
        self.latent_shape: tuple[int, ...] = tuple(size["as_int"] for size in sizes[1:])
        self.dtype = DTYPES[latents["dtype"]]
        if not self.dtype.is_floating_point:
            raise UnsupportedError(
                f"an input of whole numbers ({self.dtype}), such as class labels, not random latents"
            )
        if not self.latent_shape:
            raise UnsupportedError("an input [N] instead of [N, size of a latent]")

    def __call__(self, latents: Tensor) -> object:
        values = {**self._values, self._input: latents}
        for call in self.calls:
            positional = [self._argument(argument, values) for argument in call.positional]
            named = {name: self._argument(argument, values) for name, argument in call.named.items()}
            check_arguments(call.function, positional, named)
            _store_results(call.function(*positional, **named), call.results, values)
        return values[self._output]

    def _argument(self, argument: Json, values: dict[str, Any]) -> Any:
        ((kind, value),) = argument.items()
        match kind:
            case "as_none":
                return None
            case "as_int" | "as_ints" | "as_bool" | "as_bools" | "as_string":
                return value
            case "as_float":
                return FLOATS.get(value, value)
            case "as_floats":
                return [FLOATS.get(item, item) for item in value]
            case "as_name":
                return values[value]
            case "as_tensor":
                return values[value["name"]]
            case "as_tensors":
                return [values[item["name"]] for item in value]
            case "as_optional_tensor":
                return self._argument(value, values)
            case "as_sym_int" | "as_sym_float" | "as_sym_bool":
                return self._argument(value, values)
            case "as_optional_tensors" | "as_sym_ints" | "as_sym_floats":
                return [self._argument(item, values) for item in value]
            case "as_scalar_type":
                return DTYPES[value]
            case "as_memory_format":
                return MEMORY_FORMATS[value]
            case "as_layout":
                return torch.strided
            case "as_device":
                return self._device
        raise UnsupportedError(f"an argument of kind {kind}")


def read_exported(path: Path, members: dict[str, bytes], device: torch.device) -> Network:
    """The exported generator, with one input and one output.

    Raises:
        GanbenchError: it is damaged, of another version or of training mode, contains pickles, or uses unsupported
            operators.
    """
    try:
        program = _read(members, device)
    except UnsupportedError as error:
        raise GanbenchError(
            f"'{path}' has {error}, which ganbench doesn't support: save samples as .npz and score those"
        ) from error
    except (*FAILED, RecursionError) as error:
        raise GanbenchError(
            f"'{path}' is not an exported program, or is truncated or altered ({in_short(error)}): "
            f"write it with torch.export.save"
        ) from error
    for call in program.calls:
        *_, name, overload = call.target.split(".")
        statistics = {"running_mean": None} if overload == "no_stats" else {}  # a layer that keeps none in any mode
        refuse_training_mode(str(path), name, {**statistics, **call.constants})
    return Network(program, " (torch.export)", program.latent_shape, program.batch, dtype=program.dtype)


def _read(members: dict[str, bytes], device: torch.device) -> Program:
    models = [name for name in members if name.startswith("models/") and name.endswith(".json")]
    if len(models) != 1 or any(name.startswith("data/aotinductor/") for name in members):
        raise UnsupportedError(f"{len(models)} graphs and perhaps compiled code instead of one graph")
    if members.get("byteorder", b"little") != b"little":
        raise UnsupportedError("big-endian weights")
    content = json.loads(members[models[0]])
    version = content["schema_version"]["major"]
    if version != SCHEMA:
        raise UnsupportedError(f"version {version} of the format instead of {SCHEMA}")
    name = models[0].removeprefix("models/").removesuffix(".json")
    weights = {
        **_tensors(members, "data/weights/", f"{name}_weights_config.json"),
        **_tensors(members, "data/constants/", f"{name}_constants_config.json"),
    }
    module = content["graph_module"]
    return Program(module["graph"], module["signature"], weights, device)


def _tensors(members: dict[str, bytes], folder: str, config: str) -> dict[str, Tensor]:
    if folder + config not in members:
        raise UnsupportedError("pickled weights (PyTorch wrote them before 2.9)")
    tensors = {}
    for name, entry in json.loads(members[folder + config])["config"].items():
        meta = entry["tensor_meta"]
        if entry["use_pickle"] or meta is None:
            raise UnsupportedError(f"a pickle ('{name}')")
        sizes = [size["as_int"] for size in meta["sizes"]]
        strides = [stride["as_int"] for stride in meta["strides"]]
        flat = torch.frombuffer(
            bytearray(members[folder + entry["path_name"]]) or bytearray(8), dtype=DTYPES[meta["dtype"]]
        )
        # PyTorch raises an error if this reaches beyond the bytes.
        tensor = flat.as_strided(sizes, strides, meta["storage_offset"]["as_int"])
        if tensor.numel() > flat.numel():
            raise UnsupportedError(f"a tensor of {tensor.numel():,} numbers stored as only {flat.numel():,}")
        tensors[name] = tensor
    return tensors


def _call(node: Json) -> Call:
    positional, named, constants = [], {}, {}
    for argument in node["inputs"]:
        ((kind, value),) = argument["arg"].items()
        constants[str(argument.get("name"))] = None if kind == "as_none" else value
        if argument.get("kind") == 2:
            named[str(argument["name"])] = argument["arg"]
        else:
            positional.append(argument["arg"])
    function = find_operator(node["target"])
    if function is None:
        which = " of training mode (call eval() on the network and save it again)" * (node["target"] in ONLY_TRAINING)
        raise UnsupportedError(f"the operator '{node['target'][:80]}'{which}")
    return Call(node["target"], function, positional, named, constants, node["outputs"])


def _store_results(result: Any, entries: list[Json], values: dict[str, Any]) -> None:
    """Store a call's result under the graph's names: as a whole, or each part of a tuple."""
    parts = [result] if len(entries) == 1 else list(result or ())
    for entry, part in zip(entries, parts, strict=True):
        ((kind, target),) = entry.items()
        if kind == "as_tensor":
            values[target["name"]] = part
        elif kind == "as_tensors":
            for item, tensor in zip(target, part, strict=True):
                values[item["name"]] = tensor
        elif kind in ("as_sym_int", "as_sym_float", "as_sym_bool"):
            values[target["as_name"]] = part
        elif kind != "as_none":
            raise UnsupportedError(f"a result of kind {kind}")
