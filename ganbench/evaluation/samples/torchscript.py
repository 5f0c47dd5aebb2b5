"""TorchScript: a program in an archive, compiled and run by PyTorch's own interpreter, without Python.

Python unpickles nothing: `torch.jit.load` reads the archive's `.pkl` members in C++, where they can create tensors and
objects of classes that the archive itself defines. But the program could write files (`torch.save` is available to it)
and read them, and parts of it may run while it is loaded. So its text is searched first, and a program that contains
such a name is refused. The archive that is loaded is repacked from the searched members.

This prevents accidents and simple attacks. It is no sandbox: a program can run forever, and PyTorch's C++ was not
written for hostile archives. Run untrusted TorchScript in a container; a `torch.export` program or an array of samples
is safer.
"""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from zipfile import ZipFile

import torch

from ganbench.core.errors import GanbenchError
from ganbench.data.zips import in_short
from ganbench.evaluation.samples.generators import FAILED, Network
from ganbench.evaluation.samples.training_mode import refuse_script_in_training_mode

TORCH_SAVE = "a plain torch.save is a pickle, which is never loaded"

FORBIDDEN = re.compile(
    r"""\b(?:save|from_file)\b      # write and read files
    | \b__setstate__\b              # runs while it is loaded
    | \bclasses\b                   # compiled extensions
    | \bops\b(?!\.(?:aten|prim)\.)  # operators beyond the ordinary ones: the network, other processes, raw memory
    | \bgetattr\b(?!\([A-Za-z_][\w.]*,\ "\w+"\))  # a name that would not be found by searching for it
    """,
    re.VERBOSE | re.ASCII,
)


def read_torchscript(path: Path, members: dict[str, bytes], device: torch.device) -> Network:
    """A scripted or traced generator, in eval mode.

    Raises:
        GanbenchError: it is a pickle, damaged, traced in training mode, or a program that does more than compute.
    """
    code = {name: content for name, content in members.items() if name.startswith("code/") and name.endswith(".py")}
    if not code or "data.pkl" not in members or "constants.pkl" not in members:
        raise GanbenchError(
            f"'{path}' is not TorchScript, and {TORCH_SAVE}: write the generator with torch.export.save"
        )
    if "model.json" in members:
        raise GanbenchError(f"'{path}' is TorchScript from before 2019: write it with a newer PyTorch")
    for name, content in code.items():
        # Non-ASCII bytes can't be part of a name, but Python's \b would treat some of them as letters.
        if match := FORBIDDEN.search(content.decode("ascii", errors="replace")):
            raise GanbenchError(
                f"'{path}' contains code that uses '{match.group()}' ({name}), which a generator doesn't need: "
                f"write the generator with torch.export.save"
            )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript is deprecated, but its recipient can't change that
            module = torch.jit.load(_packed(members), map_location=device)
        module.eval()
    except FAILED as error:
        raise GanbenchError(f"'{path}' can't be loaded as TorchScript ({in_short(error)}): write it again") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        refuse_script_in_training_mode(str(path), module)
    weights = (parameter.dtype for parameter in module.parameters() if parameter.is_floating_point())
    return Network(module, " (TorchScript)", dtype=next(weights, torch.float32))


def _packed(members: dict[str, bytes]) -> io.BytesIO:
    """Repack the members into a new archive: two readers can see different contents in one hostile zip."""
    packed = io.BytesIO()
    with ZipFile(packed, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"generator/{name}", content)
    packed.seek(0)
    return packed
