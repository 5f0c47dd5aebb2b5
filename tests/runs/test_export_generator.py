"""A run's generator in a file of another kind: the same samples from the same latents, and where they come from."""

from __future__ import annotations

import dataclasses
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ganbench.core.errors import GanbenchError
from ganbench.core.settings import merge, read_config
from ganbench.evaluation.samples import GeneratorSource
from ganbench.evaluation.samples.generators import generate
from ganbench.evaluation.samples.reading import read_network
from ganbench.methods.archs import ARCHS, Arch
from ganbench.runs.export_generator import WRITERS, check_file, export_generator
from ganbench.runs.kept_generator import KeptGenerator, generator_samples
from ganbench.spec.run_spec import RunSpec, resolve
from ganbench.training.trainer import train
from tests.conftest import random_data

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
SEED = 3
SMALL: dict[str, dict[str, Any]] = {
    "mlp": {"generator_widths": [16, 16], "critic_widths": [16]},
    "dcgan": {"generator_width": 8, "critic_width": 4},
    "infogan": {"generator_width": 4, "critic_width": 4, "dense_width": 16},
    "pacgan-dcgan": {"generator_widths": [16, 8, 8, 8], "critic_widths": [4, 4, 4, 4]},
    "pacgan-dcgan-small": {},
    "pacgan-2d": {"dataset": {"name": "ring"}},
    "r3gan-small": {"generator_width": 16, "critic_width": 16},
    "resnet": {"generator_width": 8, "critic_width": 8},
}
"""Options of each architecture that make it small; `dataset` is another data set than MNIST."""


def trained(arch: str, folder: Path, **options: Any) -> tuple[KeptGenerator, Tensor]:
    """A generator with an averaged copy after two steps, as runs keep it, and samples of the trainer's own."""
    others = {name: value for name, value in SMALL[arch].items() if name != "dataset"}
    train_options = {"steps": 2, "batch_size": 8, "ema": 0.5}
    settings = {
        "arch": {"name": arch, **others},
        "train": train_options,
        "evaluation": {"samples": 500, "quick_samples": 500},
    }
    dataset = SMALL[arch].get("dataset", {"name": "mnist"})
    spec = resolve(merge([settings, {"dataset": dataset}, options]))
    data = random_data() if dataset["name"] == "mnist" else spec.dataset.load(CPU)
    for snapshot in train(spec, [SEED], data, CPU, every=2):
        samples = snapshot.sample(0, 500)
    tensors = {name: tensor[0].contiguous() for name, tensor in snapshot.state.tensors().items()}
    assert any(name.startswith("averaged/") for name in tensors)
    save_file(tensors, folder / f"{arch}.safetensors", metadata={"seed": str(SEED), "step": "2"})
    return KeptGenerator("0123456789ab", spec, folder / f"{arch}.safetensors"), samples


def exported_samples(path: Path, spec: RunSpec) -> np.ndarray[Any, Any]:
    """500 samples of an exported generator, from the latents by which its run is scored."""
    latent: Any = spec.arch.latent
    source = GeneratorSource(500, latent=latent, seed=SEED, arch=spec.arch)
    network = read_network(path, spec.dataset.shape, source)
    assert network.batch is None
    return generate(network, spec.dataset.shape, source, str(path))


@pytest.fixture(scope="module")
def mlp(tmp_path_factory: pytest.TempPathFactory) -> KeptGenerator:
    return trained("mlp", tmp_path_factory.mktemp("mlp"))[0]


@pytest.fixture(scope="module")
def exported(mlp: KeptGenerator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same generator in a file `mlp.…` of each kind."""
    folder = tmp_path_factory.mktemp("exported")
    for kind in WRITERS:
        export_generator(mlp, folder / f"mlp{kind}")
    return folder


@pytest.mark.parametrize("arch", [arch for arch in ARCHS if not ARCHS[arch].is_foreign()])
def test_exported_generator_gives_the_samples_of_the_trainer(arch: str, tmp_path: Path) -> None:
    generator, samples = trained(arch, tmp_path)
    kept = generator_samples(generator.spec, generator.weights, 500, SEED, "evaluation", CPU)
    torch.testing.assert_close(kept, samples, atol=1e-6, rtol=0)
    assert float(samples.std()) > 0.01, "else any samples would be alike"
    # ONNX takes a second each; these have nearly every layer of the others.
    kinds = WRITERS if arch in ("mlp", "dcgan", "resnet") else (".pt2", ".safetensors")
    for kind in kinds:
        path = tmp_path / f"exported{kind}"
        export_generator(generator, path)
        np.testing.assert_allclose(exported_samples(path, generator.spec), samples.numpy(), atol=1e-5)


def test_file_says_where_the_generator_comes_from(mlp: KeptGenerator, exported: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(exported / "mlp.pt2") as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/extra/ganbench.json"))
        in_program = json.loads(archive.read(name))
    in_onnx = {entry.key: entry.value for entry in onnx.load(exported / "mlp.onnx").metadata_props}
    with safe_open(exported / "mlp.safetensors", "pt") as file:
        in_weights = file.metadata()
    for facts in (in_program, in_onnx, in_weights):
        assert facts["run"] == "0123456789ab"
        assert (facts["seed"], facts["step"]) == (str(SEED), "2")
        assert facts["latents"] == "[N, 100], normal"
        assert facts["samples"] == "[N, 1, 28, 28], in [-1, 1]"
        (tmp_path / "spec.toml").write_text(facts["spec"])
        assert resolve(read_config(tmp_path / "spec.toml")) == mlp.spec


def test_onnx_file_is_one_file_that_names_its_input_and_output_and_takes_any_batch(exported: Path) -> None:
    assert sorted(path.name for path in exported.iterdir()) == ["mlp.onnx", "mlp.pt2", "mlp.safetensors"]
    graph = onnx.load(exported / "mlp.onnx").graph
    assert ([given.name for given in graph.input], [made.name for made in graph.output]) == (["latents"], ["samples"])
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_exporting_prints_nothing(mlp: KeptGenerator, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    export_generator(mlp, tmp_path / "x.onnx")
    assert capfd.readouterr() == ("", "")


class Undecided(nn.Module):
    """A network that goes one way or another by what its latents are."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 784)

    def forward(self, latents: Tensor) -> Tensor:
        samples = self.linear(latents) if float(latents.sum()) > 0 else -self.linear(latents)
        images: Tensor = samples.view(-1, 1, 28, 28)
        return images


class OfAPlugin(Arch):
    """An architecture that no exporter can trace."""

    name = "of-a-plugin"

    def generator(self, shape: tuple[int, ...]) -> nn.Module:
        return Undecided()

    def critic(self, shape: tuple[int, ...]) -> nn.Module:
        raise NotImplementedError


@pytest.mark.parametrize("kind", [".pt2", ".onnx"])
def test_architecture_that_cannot_be_exported_says_why_in_one_line(
    kind: str, mlp: KeptGenerator, tmp_path: Path
) -> None:
    save_file(Undecided().state_dict(), tmp_path / "weights.safetensors")
    spec = dataclasses.replace(mlp.spec, arch=OfAPlugin(latent_dim=8))
    generator = KeptGenerator("0123456789ab", spec, tmp_path / "weights.safetensors")
    with pytest.raises(GanbenchError, match=f"'of-a-plugin' can't be exported as {kind}.*export its weights") as raised:
        export_generator(generator, tmp_path / f"x{kind}")
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


def test_missing_package_is_one_line(mlp: KeptGenerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(GanbenchError, match=r"onnxscript.*pip install 'ganbench\[onnx\]'"):
        export_generator(mlp, tmp_path / "x.onnx")
    assert not list(tmp_path.iterdir())


def test_file_that_exists_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "there.pt2").write_text("mine")
    (tmp_path / "folder.onnx").mkdir()
    for name, words in {"there.pt2": "exists", "x.pth": "should end in .pt2", "folder.onnx": "is a folder"}.items():
        with pytest.raises(GanbenchError, match=words):
            check_file(tmp_path / name, False)
    check_file(tmp_path / "there.pt2", True)


def test_failure_in_the_middle_leaves_the_earlier_file(
    mlp: KeptGenerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content[:100])
        raise OSError(28, "No space left on device")

    (tmp_path / "x.pt2").write_text("earlier")
    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(OSError, match="No space left"):
        export_generator(mlp, tmp_path / "x.pt2")
    assert [path.name for path in tmp_path.iterdir()] == ["x.pt2"]
    assert (tmp_path / "x.pt2").read_text() == "earlier"
