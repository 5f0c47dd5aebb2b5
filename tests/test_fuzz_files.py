"""Fuzzing of binary files and addresses: whatever they hold, they are read or refused in one line.

`GANBENCH_FUZZ=20 pytest tests/test_fuzz_files.py` runs twenty times as many examples. Arrays and pictures are fuzzed in
`evaluation/test_samples.py`, text in `test_fuzz.py`, operators in `evaluation/operator_fuzz.py`.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper, numpy_helper
from torch import nn

from ganbench.core.errors import GanbenchError
from ganbench.data.evaluators import classifier
from ganbench.data.evaluators.classifier import frozen_weights, read_card
from ganbench.evaluation.samples import GeneratorSource
from ganbench.evaluation.samples.generators import generate
from ganbench.evaluation.samples.reading import read_network
from ganbench.results.csv_file import read_csv
from ganbench.tracking.store import find_store
from ganbench.training.checkpoint import load_checkpoint, save_checkpoint
from tests.evaluation.test_samples import modified_archive
from tests.test_fuzz import assert_one_line, fuzz

POINT = (2,)
SOURCE = GeneratorSource(2, (3,))


def run(path: Path) -> None:
    """Run a generator here, without the process around it."""
    generate(read_network(path, POINT, SOURCE), POINT, SOURCE, str(path))


def read_or_refused(read: Callable[[], object]) -> None:
    try:
        read()
    except GanbenchError as error:
        assert_one_line(error)


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """A valid file with a few other bytes, a part missing, or a part twice."""
    mutant = bytearray(content)
    for _ in range(draw(st.integers(1, 5))):
        mutant[draw(st.integers(0, len(mutant) - 1))] = draw(st.integers(0, 255))
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(mutant))] * 2)))
    match draw(st.sampled_from(["as it is", "cut", "doubled", "ends"])):
        case "cut":
            del mutant[start:end]
        case "doubled":
            mutant[start:start] = mutant[start:end]
        case "ends":
            del mutant[end:]
    return bytes(mutant)


def onnx_generator() -> bytes:
    """Latents [N, 3] to points, by a product, a sum, and a condition."""
    weights = [
        numpy_helper.from_array(np.ones((3, 2), np.float32), "weights"),
        numpy_helper.from_array(np.array(True), "yes"),
    ]
    ends = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 3]) for name in ("noise", "samples")]
    value = helper.make_tensor_value_info("value", onnx.TensorProto.FLOAT, None)
    branch = helper.make_graph([helper.make_node("Tanh", ["hidden"], ["value"])], "branch", [], [value])
    nodes = [
        helper.make_node("MatMul", ["noise", "weights"], ["hidden"]),
        helper.make_node("If", ["yes"], ["samples"], then_branch=branch, else_branch=branch),
    ]
    ends[1].type.tensor_type.shape.dim[1].dim_value = 2
    graph = helper.make_graph(nodes, "generator", ends[:1], ends[1:], weights)
    content: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10
    ).SerializeToString()
    return content


@fuzz(150)
@given(damaged(onnx_generator()) | st.binary(max_size=100))
def test_damaged_onnx_files_are_run_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    read_or_refused(lambda: run(path))


def exported_program() -> dict[str, bytes]:
    """The members of an exported program."""
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    shapes = ({0: torch.export.Dim("batch")},)
    file = io.BytesIO()
    torch.export.save(torch.export.export(network, (torch.zeros(4, 3),), dynamic_shapes=shapes), file)
    with zipfile.ZipFile(file) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("program") / "program.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in exported_program().items():
            archive.writestr(f"x/{name}", content)
    return path


def places(tree: Any) -> list[tuple[Any, Any]]:
    """All places in JSON, as a container and a key in it."""
    if not isinstance(tree, dict | list):
        return []
    keys = list(tree) if isinstance(tree, dict) else range(len(tree))
    return [place for key in keys for place in ((tree, key), *places(tree[key]))]


values = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 2, 7, 2**31, 2**63, -(2**63), 0.5, 1e308, "", "input", "NaN", "as_int", "as_none"]),
    st.sampled_from(["torch.ops.aten.add.Tensor", "torch.ops.aten.relu.default", "_operator.mul", "torch.load"]),
    st.builds(list),
    st.builds(dict),
    st.builds(lambda: {"as_int": 3}),
    st.builds(lambda: {"as_tensor": {"name": "input"}}),
    st.builds(lambda: [{"as_int": -5}] * 2),
)
MEMBERS = ("models/model.json", "data/weights/model_weights_config.json", "data/constants/model_constants_config.json")


@fuzz(150)
@given(st.data())
def test_altered_exported_programs_are_run_or_refused(program: Path, tmp_path: Path, data: st.DataObject) -> None:
    def change(members: dict[str, bytes]) -> None:
        name = data.draw(st.sampled_from([name for name in MEMBERS if name in members]))
        tree = json.loads(members[name])
        for _ in range(data.draw(st.integers(1, 3))):
            container, key = data.draw(st.sampled_from(places(tree) or [({}, "")]))
            if isinstance(container, dict) and data.draw(st.booleans()):
                container.pop(key, None)
            else:
                container[key] = data.draw(values)
        members[name] = json.dumps(tree).encode()

    path = modified_archive(program, tmp_path / "x.pt2", change)
    read_or_refused(lambda: run(path))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("checkpoint") / "x.safetensors"
    save_checkpoint(path, {"weights": torch.arange(6.0)}, {"step": 3, "scores": [0.5, None]})
    return path.read_bytes()


@fuzz(150)
@given(st.data())
def test_damaged_checkpoints_are_read_or_refused(checkpoint: bytes, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(data.draw(damaged(checkpoint) | st.binary(max_size=100)))
    read_or_refused(lambda: load_checkpoint(path))


@fuzz(50)
@given(st.data())
def test_altered_evaluators_are_refused(tmp_path: Path, data: st.DataObject) -> None:
    """Their hash is part of ganbench, so that nothing of an altered file is read."""
    name = "meg-cnn-1"
    content = (classifier.WEIGHTS / f"{name}.safetensors").read_bytes()
    sha256 = read_card(name).sha256
    other = bytearray(content)
    place = data.draw(st.integers(0, len(content) - 1))
    other[place] ^= data.draw(st.integers(1, 255))
    (tmp_path / f"{name}.safetensors").write_bytes(other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "WEIGHTS", tmp_path)
        with pytest.raises(GanbenchError) as caught:
            frozen_weights(name, sha256)
    assert_one_line(caught.value)


SCHEMES = [
    "",
    "sqlite:",
    "sqlite:///",
    "file:",
    "file://",
    "http://",
    "https://",
    "postgresql://",
    "s3://",
    "mysql+x://",
]


@fuzz(200)
@given(
    st.sampled_from(SCHEMES), st.text(max_size=20) | st.from_regex(r"[a-z0-9@:/?#%.\[\]~\\;= -]{1,25}", fullmatch=True)
)
def test_any_address_is_a_store_or_refused(scheme: str, text: str) -> None:
    read_or_refused(lambda: find_store(scheme + text))


@fuzz(100)
@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_as_results_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "results.csv"
    path.write_bytes(content)
    with suppress(GanbenchError):
        read_csv(path)
