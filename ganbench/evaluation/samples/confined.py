"""Exported programs and ONNX files run in a process of their own, with limits: a crash ends no other work.

The process gets a request on its input (JSON) and answers on its output: a line of JSON, then the samples as raw bytes.
Nothing is unpickled on either side, since the process ran a stranger's program.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from ganbench.core.errors import GanbenchError
from ganbench.core.seeding import Purpose
from ganbench.data.zips import LIMIT
from ganbench.evaluation.samples.generators import GeneratorSource

LONGEST_ANSWER = 1 << 16
"""Bytes of the line that comes before the samples."""
MAX_SECONDS = 3600
"""Seconds after which the process is ended: a program can loop forever."""


@dataclass(frozen=True)
class Request:
    """The task of the process: `GeneratorSource` and its file in plain values."""

    path: str
    shape: tuple[int, ...]
    count: int
    latent_shape: tuple[int, ...] | None
    latent: Literal["normal", "uniform"]
    seed: int
    purpose: Purpose
    device: str
    threads: int

    def source(self) -> GeneratorSource:
        latent_shape = None if self.latent_shape is None else tuple(self.latent_shape)
        device = torch.device(self.device)
        return GeneratorSource(self.count, latent_shape, self.latent, self.seed, self.purpose, device=device)


def run_confined(path: Path, shape: tuple[int, ...], source: GeneratorSource) -> npt.NDArray[Any]:
    """Draw samples from an exported generator in a process of its own.

    Raises:
        GanbenchError: the generator fails, doesn't fit the latents, or ends the process.
    """
    request = Request(
        str(path),
        shape,
        source.count,
        source.latent_shape,
        source.latent,
        source.seed,
        source.purpose,
        str(source.device),
        torch.get_num_threads(),
    )
    command = [sys.executable, "-m", "ganbench.evaluation.samples.confined_worker", str(os.getpid())]
    began = time.monotonic()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        timer = threading.Timer(MAX_SECONDS, process.kill)
        timer.daemon = True
        timer.start()
        try:
            process.stdin.write(json.dumps(asdict(request)).encode())
            process.stdin.close()
            line = process.stdout.readline(LONGEST_ANSWER)
            content = process.stdout.read(LIMIT + 1)
        except BrokenPipeError:
            line = content = b""
        finally:
            timer.cancel()
            process.kill()
    if not content and time.monotonic() - began >= MAX_SECONDS:
        raise GanbenchError(
            f"the generator '{path}' didn't end within {MAX_SECONDS:,} seconds: draw fewer samples with --count, or "
            f"save samples as .npz and score those"
        )
    return _samples(path, shape, source.count, line, content, process.wait())


def _samples(
    path: Path, shape: tuple[int, ...], count: int, line: bytes, content: bytes, status: int
) -> npt.NDArray[Any]:
    try:
        answer = json.loads(line)
        error = answer.get("error")
        if error:
            raise GanbenchError(str(error))
        dtype = np.dtype(str(answer["dtype"]))
        if dtype.kind not in "biuf" or len(content) != count * math.prod(shape) * dtype.itemsize:
            raise ValueError("other samples than were announced")
        return np.frombuffer(content, dtype).reshape(answer["shape"])
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        how = f"signal {-status}" if status < 0 else f"exit status {status}"
        raise GanbenchError(
            f"the generator '{path}' ended its process ({how}): try running it on its own, or save samples as .npz and "
            f"score those"
        ) from error
