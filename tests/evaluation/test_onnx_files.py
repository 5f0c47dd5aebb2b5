"""ONNX files: run as their network would be run, or refused in one line; they read no file but their weights."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ganbench.cli import main
from ganbench.core.errors import GanbenchError
from ganbench.core.seeding import stream
from ganbench.evaluation.samples import GeneratorSource, confined, onnx_files, read_samples
from ganbench.evaluation.samples.generators import generate, noise_seed
from ganbench.evaluation.samples.onnx_files import read_onnx

POINT = (2,)
DOCUMENTED = Path(__file__).parents[2] / "docs" / "measuring.md"


def network_with(layer: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 64), layer, nn.Linear(64, 2))


def export(network: nn.Module, path: Path) -> None:
    """As PyTorch exports by default, for any batch size: with the weights in a file of their own."""
    dynamic = ({0: torch.export.Dim("batch")},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (torch.zeros(4, 3),), path, dynamic_shapes=dynamic, verbose=False)


def trace(network: nn.Module, path: Path, batch: int | None = None, dtype: torch.dtype = torch.float32) -> None:
    """As older PyTorch exported, in the mode that the network is in."""
    names: dict[str, Any] = {} if batch else {"dynamic_axes": {"noise": {0: "batch"}}, "input_names": ["noise"]}
    mode = torch.onnx.TrainingMode.PRESERVE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        latents = torch.zeros(batch or 4, 3, dtype=dtype)
        torch.onnx.export(network, (latents,), path, dynamo=False, training=mode, **names)


def latents(seed: int = 0) -> Tensor:
    return torch.randn(500, 3, generator=stream(seed, "evaluation", 0))


def run(path: Path, **settings: Any) -> np.ndarray[Any, Any]:
    """The samples of a file, made in this process."""
    source = GeneratorSource(500, **settings)
    return generate(read_onnx(path, noise_seed(source)), POINT, source, str(path))


def error_message(path: Path, **settings: Any) -> str:
    with pytest.raises(GanbenchError) as caught:
        run(path, **settings)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


def simple(
    nodes: list[onnx.NodeProto], *weights: onnx.TensorProto, dtype: int = TensorProto.FLOAT, shape: Any = ("batch", 3)
) -> onnx.ModelProto:
    """A file of these nodes, from `noise` to `samples`."""
    inputs = [helper.make_tensor_value_info("noise", dtype, shape)]
    outputs = [helper.make_tensor_value_info("samples", dtype, None)]
    graph = helper.make_graph(nodes, "generator", inputs, outputs, list(weights))
    domains = {node.domain for node in nodes} | {""}
    imports = [helper.make_opsetid(domain, 1 if domain else 20) for domain in sorted(domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=10)


def matrix(name: str = "weights") -> onnx.TensorProto:
    return numpy_helper.from_array(np.arange(6, dtype=np.float32).reshape(3, 2), name)


def product(*weights: onnx.TensorProto) -> onnx.ModelProto:
    return simple([helper.make_node("MatMul", ["noise", "weights"], ["samples"])], *weights)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator as PyTorch exports it."""
    path = tmp_path_factory.mktemp("exported") / "generator.onnx"
    export(network_with(nn.LayerNorm(64)).eval(), path)
    assert path.with_name("generator.onnx.data").exists()
    return path


def test_generator_as_pytorch_exports_it_gives_the_samples_of_its_network(exported: Path) -> None:
    """In a process of its own, with its weights in a second file."""
    samples = read_samples(exported, POINT, generator=GeneratorSource(500, seed=4))
    with torch.no_grad():
        assert torch.allclose(samples.tensor, network_with(nn.LayerNorm(64))(latents(4)), atol=1e-5)
    assert samples.source == "generator.onnx (ONNX), 500 × 2"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("batch", [None, 7])
def test_generator_of_any_float_type_and_batch_size_gets_such_latents(
    tmp_path: Path, dtype: torch.dtype, batch: int | None
) -> None:
    network = network_with(nn.BatchNorm1d(64)).to(dtype).eval()
    trace(network, tmp_path / "x.onnx", batch, dtype)
    with torch.no_grad():
        expected = network(latents().to(dtype)).float()
    assert torch.allclose(
        torch.from_numpy(run(tmp_path / "x.onnx")).float(), expected, atol=1e-2 if dtype == torch.float16 else 1e-5
    )
    assert "latents of size [3], not [5]" in error_message(tmp_path / "x.onnx", latent_shape=(5,))


def test_size_of_latents_that_the_file_leaves_open_is_stated(tmp_path: Path) -> None:
    onnx.save(
        simple([helper.make_node("Identity", ["noise"], ["samples"])], shape=("batch", "size")), tmp_path / "x.onnx"
    )
    assert "give their size" in error_message(tmp_path / "x.onnx")
    assert np.allclose(
        run(tmp_path / "x.onnx", latent_shape=(2,))[:, 0], run(tmp_path / "x.onnx", latent_shape=(2,))[:, 0]
    )


def test_noise_of_the_network_itself_is_that_of_the_seed(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("RandomNormalLike", ["noise"], ["own"]),
        helper.make_node("MatMul", ["own", "weights"], ["samples"]),
    ]
    onnx.save(simple(nodes, matrix()), tmp_path / "x.onnx")
    first, again, other = (run(tmp_path / "x.onnx", seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("layer", [nn.BatchNorm1d(64), nn.Dropout()])
def test_generator_saved_in_training_mode_is_refused(tmp_path: Path, layer: nn.Module) -> None:
    trace(network_with(layer).train(), tmp_path / "x.onnx")
    assert "training mode" in error_message(tmp_path / "x.onnx")


def test_dropout_that_the_present_exporter_leaves_is_refused(tmp_path: Path) -> None:
    export(network_with(nn.Dropout()).train(), tmp_path / "x.onnx")
    assert "training mode" in error_message(tmp_path / "x.onnx")


def outside(location: str, **more: str) -> onnx.ModelProto:
    """A model whose weights are in this file."""
    weights = onnx.TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[3, 2])
    weights.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **more}.items():
        weights.external_data.add(key=key, value=value)
    return product(weights)


def test_weights_are_read_from_a_file_beside_and_nowhere_else(tmp_path: Path) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    path, secret = folder / "x.onnx", tmp_path / "secret"
    numbers = np.arange(6, dtype=np.float32)
    for file in (secret, folder / "own"):
        file.write_bytes(bytes(8) + numbers.tobytes())
    onnx.save(outside("own", offset="8", length="24"), path)
    assert np.allclose(run(path), latents().numpy() @ numbers.reshape(3, 2), atol=1e-5)

    (folder / "link").symlink_to(secret)
    (folder / "sub").mkdir()
    os.mkfifo(folder / "pipe")
    for location in (
        str(secret),
        "../secret",
        "link",
        "sub",
        "pipe",
        "sub/../own",
        "",
        ".",
        "*/_ORT_MEM_ADDR_/*",
        "none",
    ):
        onnx.save(outside(location, offset="8", length="24"), path)
        assert "beside" in (message := error_message(path)) or "link or no file" in message, location
    for place in ({"offset": "-8"}, {"offset": "9" * 30}, {"length": "25"}, {"length": "x"}, {"length": "-1"}):
        onnx.save(outside("own", **{"offset": "8", "length": "24", **place}), path)
        assert "can't be read" in error_message(path), place


def test_weights_anywhere_in_a_file_are_confined(tmp_path: Path) -> None:
    """In a constant's attribute, and in the branch of a condition."""
    tensor = outside("../secret").graph.initializer[0]
    constant = helper.make_node("Constant", [], ["weights"], value=tensor)
    branch = helper.make_graph([constant], "branch", [], [helper.make_tensor_value_info("weights", 1, None)])
    yes = helper.make_node("Constant", [], ["yes"], value=numpy_helper.from_array(np.array(True)))
    condition = helper.make_node("If", ["yes"], ["weights"], then_branch=branch, else_branch=branch)
    apply = helper.make_node("MatMul", ["noise", "weights"], ["samples"])
    for nodes in ([constant, apply], [yes, condition, apply]):
        onnx.save(simple(nodes), tmp_path / "x.onnx")
        assert "only files beside it" in error_message(tmp_path / "x.onnx")


def function_of_extension() -> onnx.ModelProto:
    """A function of the file itself that hides an operator of an extension, under the name of another one."""
    inner = helper.make_node("EPContext", ["a"], ["b"], domain="com.microsoft", ep_cache_context="../secret")
    imports = [helper.make_opsetid("com.microsoft", 1)]
    function = helper.make_function("own", "Layer", ["a"], ["b"], [inner], imports)
    model = simple([helper.make_node("Layer", ["noise"], ["samples"], domain="own")])
    model.functions.append(function)
    return model


def test_operators_of_extensions_are_refused_and_functions_of_the_file_run(tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    for domain in ("com.microsoft", "ai.onnx.ml", "own"):
        onnx.save(simple([helper.make_node("Gelu", ["noise"], ["samples"], domain=domain)]), path)
        assert f"'Gelu' of the extension '{domain}'" in error_message(path)
    path.write_bytes(function_of_extension().SerializeToString())
    assert "'EPContext' of the extension" in error_message(path)
    model = simple([helper.make_node("Layer", ["noise", "weights"], ["samples"], domain="own")], matrix())
    product_node = helper.make_node("MatMul", ["a", "w"], ["b"])
    model.functions.append(
        helper.make_function("own", "Layer", ["a", "w"], ["b"], [product_node], [helper.make_opsetid("", 20)])
    )
    onnx.save(model, path)
    assert run(path).shape == (500, 2)


class OfLabels(nn.Module):
    def forward(self, labels: Tensor) -> Tensor:
        return labels.float()[:, :2]


def test_other_inputs_and_outputs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    identity = helper.make_node("Identity", ["noise"], ["samples"])
    onnx.save(simple([identity], dtype=TensorProto.INT64), path)
    assert "tensor(int64)" in error_message(path)
    onnx.save(simple([identity], dtype=TensorProto.STRING), path)
    assert "tensor(string)" in error_message(path)
    onnx.save(simple([identity], shape=("batch",)), path)
    assert "an input [N] instead of" in error_message(path)
    onnx.save(simple([identity]), path)
    assert "shape [3], not [2]" in error_message(path)
    two = simple([identity])
    two.graph.input.append(helper.make_tensor_value_info("labels", TensorProto.FLOAT, ["batch", 3]))
    onnx.save(two, path)
    assert "2 inputs and 1 outputs" in error_message(path)
    words = helper.make_node("Constant", [], ["samples"], value_strings=["a", "b"])
    onnx.save(simple([words]), path)
    error_message(path)


def test_damaged_and_too_large_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.onnx"
    content = product(matrix()).SerializeToString()
    for damaged in (b"", b"\x00", b"PK\x03\x04", content[:40], content[:-9], content * 2, b"\x0a" * 5000, b"ORTM" * 9):
        path.write_bytes(damaged)
        assert "not an ONNX file" in error_message(path) or damaged == content * 2
    path.write_bytes(content.replace(b"batch", b"\x80" * 5))
    assert "can't decode byte" in error_message(path)
    path.write_bytes(content.replace(b"MatMul", b"Mat\x80ul"))
    assert "not an ONNX file" in error_message(path)
    monkeypatch.setattr(onnx_files, "MAX_SIZE", len(content) - 1)
    path.write_bytes(content)
    assert "2 GiB" in error_message(path)
    (tmp_path / "own").write_bytes(bytes(24))
    onnx.save(outside("own"), path)
    monkeypatch.setattr(onnx_files, "MAX_SIZE", path.stat().st_size + 23)
    assert "2 GiB" in error_message(path)


def endless() -> onnx.ModelProto:
    """A loop of 2⁶³ − 1 rounds."""
    state = [helper.make_tensor_value_info("state", TensorProto.FLOAT, None)]
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go_on"], ["go_on_again"]),
            helper.make_node("Add", ["state", "state"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("round", TensorProto.INT64, []),
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            *state,
        ],
        [
            helper.make_tensor_value_info("go_on_again", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
        ],
    )
    weights = [
        numpy_helper.from_array(np.array(2**63 - 1), "rounds"),
        numpy_helper.from_array(np.array(True), "start"),
    ]
    return simple([helper.make_node("Loop", ["rounds", "start", "noise"], ["samples"], body=body)], *weights)


def too_much_memory() -> onnx.ModelProto:
    shape = numpy_helper.from_array(np.array([500, 2**20, 2**15]), "shape")
    return simple([helper.make_node("ConstantOfShape", ["shape"], ["samples"])], shape)


def test_loops_and_large_arrays_meet_the_limits_of_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.onnx"
    onnx.save(too_much_memory(), path)
    with pytest.raises(GanbenchError, match=r"fails|ended its process"):
        read_samples(path, POINT, generator=GeneratorSource(3))
    onnx.save(endless(), path)
    monkeypatch.setattr(confined, "MAX_SECONDS", 6)
    with pytest.raises(GanbenchError, match="didn't end within 6 seconds"):
        read_samples(path, POINT, generator=GeneratorSource(3))


def test_missing_package_is_named_with_the_command(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("onnx", "onnxruntime"):
        with monkeypatch.context() as without:
            without.setitem(sys.modules, package, None)
            assert "pip install 'ganbench[onnx]'" in error_message(exported)


def test_documented_command_scores_an_onnx_file_and_says_in_one_line_what_is_wrong(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in exported.parent.iterdir():
        shutil.copy(file, tmp_path / file.name)
    monkeypatch.chdir(tmp_path)
    (line,) = re.findall(r"^ganbench (evaluate generator\.onnx.*)$", DOCUMENTED.read_text(), flags=re.MULTILINE)
    command = [*shlex.split(line, comments=True), "--count", "500"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert "generator.onnx (ONNX), 500 × 2" in result.output
    Path("generator.onnx.data").unlink()
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 2
    assert "copy both files" in result.output
    assert result.output.count("\n") == 1
