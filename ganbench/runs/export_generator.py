"""Generators of runs as files that work without ganbench: programs of torch.export, ONNX, or the weights alone."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from ganbench.core.errors import GanbenchError
from ganbench.core.settings import to_toml
from ganbench.core.unfinished import written_whole
from ganbench.core.version import __version__
from ganbench.data.zips import in_short
from ganbench.evaluation.samples.onnx_files import INSTALL
from ganbench.runs.kept_generator import KeptGenerator, facts_of_weights
from ganbench.spec.run_spec import RunSpec

FACTS_FILE = "ganbench.json"
"""The file in a .pt2 archive that says where the generator comes from."""


def check_file(path: Path, force: bool) -> None:
    """Refuse a file of an unknown kind, or one that exists.

    Raises:
        GanbenchError: it is such a file.
    """
    if path.suffix.lower() not in WRITERS:
        raise GanbenchError(f"'{path}' should end in {', '.join(WRITERS)}: the ending chooses the format")
    if path.is_dir():
        raise GanbenchError(f"'{path}' is a folder, not a file: name another one")
    if path.exists() and not force:
        raise GanbenchError(f"'{path}' exists: name another file, or replace it with the option 'force'")


def export_generator(generator: KeptGenerator, path: Path) -> None:
    """Write a generator to a file in the format of its ending; after an error, nothing has changed.

    Beside the generator, the file says where it comes from: the run's id, seed, step and spec (as TOML), the version of
    ganbench, its latents and its samples.

    Raises:
        GanbenchError: the weights don't fit the run's spec, its architecture can't be exported like this, or a package
            is missing.
        OSError: the file can't be written.
    """
    spec, kind = generator.spec, path.suffix.lower()
    facts = {
        **facts_of_weights(generator.weights),
        "ganbench": __version__,
        "run": generator.run,
        "latents": latents_in_words(spec),
        "samples": samples_in_words(spec),
        "spec": to_toml(spec.to_dict()),
    }
    example = torch.zeros(2, spec.arch.latent_dim)
    try:
        content = WRITERS[kind](generator.network, example, facts)
    except GanbenchError:
        raise
    # Exporters raise exceptions of many kinds, for whatever an architecture of a plug-in may do.
    except Exception as error:
        raise GanbenchError(
            f"the architecture '{spec.arch.name}' can't be exported as {kind} ({type(error).__name__}: "
            f"{in_short(error)}): export its weights as .safetensors, or draw samples with `ganbench sample`"
        ) from error
    with written_whole(path) as part:
        part.write_bytes(content)


def latents_in_words(spec: RunSpec) -> str:
    """The latents that a spec's generator takes, as in `[N, 100], normal`."""
    return f"[N, {spec.arch.latent_dim}], {spec.arch.latent}"


def samples_in_words(spec: RunSpec) -> str:
    """The samples that it makes, as in `[N, 1, 28, 28], in [-1, 1]`."""
    shape = ", ".join(map(str, spec.dataset.shape))
    return f"[N, {shape}]" + ", in [-1, 1]" * (spec.dataset.kind == "images")


def _program(network: nn.Module, example: Tensor, facts: Mapping[str, str]) -> bytes:
    program = torch.export.export(network, (example,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    file = io.BytesIO()
    torch.export.save(program, file, extra_files={FACTS_FILE: json.dumps(facts)})
    return file.getvalue()


def _onnx(network: nn.Module, example: Tensor, facts: Mapping[str, str]) -> bytes:
    try:
        import onnx
        import onnxscript  # noqa: F401  torch's exporter needs it
    except ImportError as error:
        raise GanbenchError(f"ONNX files take packages that aren't installed ({error.name}): {INSTALL}") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on what the exporter does itself
        program = torch.onnx.export(
            network,
            (example,),
            input_names=["latents"],
            output_names=["samples"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    onnx.helper.set_model_props(model, dict(facts))
    content: bytes = model.SerializeToString()
    return content


def _weights(network: nn.Module, example: Tensor, facts: Mapping[str, str]) -> bytes:
    content: bytes = save(network.state_dict(), metadata=dict(facts))
    return content


WRITERS: Mapping[str, Callable[[nn.Module, Tensor, Mapping[str, str]], bytes]] = {
    ".pt2": _program,
    ".onnx": _onnx,
    ".safetensors": _weights,
}
"""Writers of a file's content by its ending, from a generator, an example of latents, and where it comes from."""
