"""ONNX files, run by ONNX Runtime from bytes that were checked before, so that it opens no file itself.

A file can name others that hold its weights, operators of extensions (some of which read files), and places in memory.
So it is parsed first: weights are read from plain files beside it and put in, and only operators of the ONNX standard
are left, none of which reaches outside. They can loop forever or take all memory, so this runs in a process with limits
(`confined.py`).
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganbench.core.errors import GanbenchError
from ganbench.data.zips import in_short
from ganbench.evaluation.samples.generators import Network
from ganbench.evaluation.samples.training_mode import refuse_training_mode

MAX_SIZE = 2 * 2**30 - 1
"""Maximum size of a generator with its weights, in bytes: that of any protobuf message."""
STANDARD = ("", "ai.onnx")
"""The names of the domain of standard operators."""
DTYPES = {"tensor(float)": torch.float32, "tensor(double)": torch.float64, "tensor(float16)": torch.float16}
INSTALL = "pip install 'ganbench[onnx]'"
SAMPLES_INSTEAD = "save samples as .npz and score those"

Hash = Any
"""A hash of `hashlib`, whose class has no public name."""
Message = Any
"""A protobuf message."""


def read_onnx(path: Path, seed: int, instead: str = SAMPLES_INSTEAD) -> Network:
    """The network in an ONNX file, with one input and one output, on the CPU: a generator, or an extractor of features.

    Args:
        seed: of its own random numbers.
        instead: advice for a file that can't be used.

    Raises:
        GanbenchError: ONNX Runtime isn't installed; the file is damaged, too large or of training mode, uses operators
            of extensions, or names files elsewhere.
    """
    try:
        return _read(path, seed, instead)
    except GanbenchError:
        raise
    except ImportError as error:
        raise GanbenchError(f"reading '{path}' takes ONNX Runtime, which isn't installed: {INSTALL}") from error
    # The exceptions of protobuf, onnx and ONNX Runtime share no base class, and any text in the file may be no UTF-8.
    except Exception as error:
        raise GanbenchError(
            f"'{path}' is not an ONNX file that ONNX Runtime can run, or is truncated or altered ({in_short(error)}): "
            f"write it again, or {instead}"
        ) from error


def _read(path: Path, seed: int, instead: str) -> Network:
    import onnx
    import onnx.inliner
    import onnxruntime

    if path.stat().st_size > MAX_SIZE:
        raise _too_large(path, instead)
    content = path.read_bytes()
    model = onnx.load_model_from_string(content)
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    _check_nodes(path, model, instead)
    digest = hashlib.sha256(content)
    _embed_weights(path, model, instead, digest)
    del model.metadata_props[:]  # ONNX Runtime may take settings from them
    onnxruntime.set_seed(seed % 2**31)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return _network(path, session, instead, digest.hexdigest())


def _too_large(path: Path, instead: str) -> GanbenchError:
    return GanbenchError(
        f"'{path}' takes more than 2 GiB with its weights, which is more than an ONNX file may hold: {instead}"
    )


def _messages(message: Message, kind: str) -> Iterator[Message]:
    """All messages of a kind inside of a message, at any depth: a file can have tensors and nodes nearly anywhere."""
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for inner in [value] if hasattr(value, "ListFields") else value:
            if field.message_type.name == kind:
                yield inner
            yield from _messages(inner, kind)


def _check_nodes(path: Path, model: Message, instead: str) -> None:
    """Refuse operators of extensions and of training mode."""
    for node in _messages(model, "NodeProto"):
        if node.domain not in STANDARD:
            raise GanbenchError(
                f"'{path}' has the operator '{node.op_type[:80]}' of the extension '{node.domain[:80]}', which "
                f"ganbench doesn't run: export it with standard ONNX operators, or {instead}"
            )
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in _messages(model, "NodeProto"):
        if node.op_type == "Constant":
            constants.update((node.output[0], item.t) for item in node.attribute if item.name == "value")
    for node in _messages(model, "NodeProto"):
        refuse_training_mode(str(path), node.op_type, {"train": _is_training(node, constants)})


def _is_training(node: Message, constants: dict[str, Message]) -> bool:
    if node.op_type == "BatchNormalization":  # before version 14, training mode had more outputs
        return len(node.output) > 1 or any(item.name == "training_mode" and item.i for item in node.attribute)
    if node.op_type == "Dropout" and len(node.input) > 2 and node.input[2] in constants:
        mode = constants[node.input[2]]
        return any(mode.int32_data) or any(mode.raw_data)
    return False


def _embed_weights(path: Path, model: Message, instead: str, digest: Hash) -> None:
    """Read the weights that lie in other files, as exporters write them: next to the ONNX file, and nowhere else."""
    import onnx

    total = model.ByteSize()
    for tensor in _messages(model, "TensorProto"):
        if tensor.data_location != onnx.TensorProto.EXTERNAL:
            continue
        place = {entry.key: entry.value for entry in tensor.external_data}
        file = _beside(path, place.get("location", ""))
        try:
            available = file.stat().st_size
            offset = int(place.get("offset", 0))
            length = int(place.get("length", available - offset))
            if not 0 <= offset <= offset + length <= available:
                raise ValueError(f"bytes {offset} to {offset + length} of {available}")
            total += length
            if total > MAX_SIZE:
                raise _too_large(path, instead)
            with file.open("rb") as opened:
                opened.seek(offset)
                tensor.raw_data = opened.read(length)
        except (OSError, ValueError) as error:
            raise GanbenchError(
                f"the weights of '{path}' in '{file.name}' can't be read ({in_short(error)}): copy both files again"
            ) from error
        digest.update(tensor.raw_data)
        tensor.ClearField("external_data")
        tensor.ClearField("data_location")


def _beside(path: Path, name: str) -> Path:
    """The regular file of this name in the folder of `path`; links could lead anywhere."""
    if name in ("", ".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise GanbenchError(
            f"'{path}' takes weights from the file '{name[:80]}', but only files beside it are read: "
            f"write the network and its weights into one folder"
        )
    file = path.parent / name
    try:
        mode = file.lstat().st_mode
    except OSError as error:
        raise GanbenchError(
            f"'{path}' has its weights in '{name[:80]}', which is missing beside it: copy both files"
        ) from error
    if not stat.S_ISREG(mode):
        raise GanbenchError(
            f"'{path}' takes weights from '{name[:80]}', which is a link or no file: put the file itself there"
        )
    return file


def _network(path: Path, session: Any, instead: str, sha256: str) -> Network:
    inputs, outputs = session.get_inputs(), session.get_outputs()
    what = None
    if len(inputs) != 1 or len(outputs) != 1:
        what = f"{len(inputs)} inputs and {len(outputs)} outputs instead of one each"
    elif inputs[0].type not in DTYPES:
        what = f"an input of type {inputs[0].type}, such as class labels, instead of floats"
    elif len(inputs[0].shape) < 2:
        what = "an input [N] instead of [N, …]"
    if what:
        raise GanbenchError(f"'{path}' has {what}, which ganbench doesn't support: {instead}")
    name, dtype = inputs[0].name, DTYPES[inputs[0].type]
    batch, *sizes = inputs[0].shape
    known = all(isinstance(size, int) for size in sizes)

    def forward(inputs: Tensor) -> Tensor:
        try:
            (outputs,) = session.run(None, {name: inputs.cpu().numpy()})
        # ONNX Runtime's own exceptions have no public base class; what calls a network expects RuntimeError.
        except Exception as error:
            raise RuntimeError(in_short(error)) from error
        if not isinstance(outputs, np.ndarray) or outputs.dtype.kind not in "biuf":
            raise TypeError(f"it returns {type(outputs).__name__} that is no array of numbers")
        return torch.from_numpy(outputs)

    return Network(
        forward,
        " (ONNX)",
        tuple(sizes) if known else None,
        batch if isinstance(batch, int) else None,
        dtype=dtype,
        sha256=sha256,
    )
