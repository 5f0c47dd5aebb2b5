"""The process in which an exported generator runs: see `confined.py`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch

from ganbench.core.errors import GanbenchError
from ganbench.core.parent import end_without_parent
from ganbench.evaluation.samples.confined import Request
from ganbench.evaluation.samples.generators import generate
from ganbench.evaluation.samples.reading import read_network

GRACE = 1.0
"""Seconds to end in after nobody waits for the answer."""


def main() -> None:
    """Draw the samples of the request on standard input, and write them to standard output."""
    # Nothing else that is printed may get between the answer's parts.
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    end_without_parent(int(sys.argv[1]), GRACE)
    request = Request(**json.load(sys.stdin))
    torch.set_num_threads(request.threads)
    source = request.source()
    if source.device.type == "cpu":
        _limit()
    path = Path(request.path)
    shape = tuple(request.shape)
    try:
        values = np.ascontiguousarray(generate(read_network(path, shape, source), shape, source, str(path)))
        head = {"dtype": values.dtype.str, "shape": values.shape}
    except GanbenchError as error:
        values, head = np.empty(0), {"error": str(error)}
    answer.write(json.dumps(head).encode() + b"\n")
    answer.write(values.data)
    answer.close()


def _limit() -> None:
    """Allow no files to be written, no core, and no more memory than is free, where the system can be asked for it."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = {resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0}
    if sys.platform == "linux":
        limits[resource.RLIMIT_AS] = _free_memory()
    for limited, size in limits.items():
        resource.setrlimit(limited, (size, size))


def _free_memory() -> int:
    page = os.sysconf("SC_PAGE_SIZE")
    used = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * page
    return used + os.sysconf("SC_AVPHYS_PAGES") * page


if __name__ == "__main__":
    main()
