"""Exported programs with absurd calls: refused in one line, and never the end of the process that asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ganbench.core.errors import GanbenchError
from ganbench.evaluation.samples.arguments import check_arguments
from ganbench.evaluation.samples.confined import run_confined
from ganbench.evaluation.samples.generators import GeneratorSource, generate
from ganbench.evaluation.samples.operators import find_operator
from ganbench.evaluation.samples.reading import read_network
from tests.evaluation.test_samples import modified_archive

CALLS = 1500 * int(os.environ.get("GANBENCH_FUZZ", "1"))


def test_no_call_of_an_allowed_operator_ends_the_process() -> None:
    """Absurd arguments of every allowed overload, several times."""
    command = [sys.executable, "-m", "tests.evaluation.operator_fuzz", "0", str(CALLS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, (done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    accepted = int(done.stdout.splitlines()[-1].split()[0])
    assert accepted > CALLS / 5, "too few calls get as far as PyTorch"


ONE = torch.ones(1)


@pytest.mark.parametrize(
    ("target", "positional", "named"),
    [
        ("aten._to_copy.default", [ONE], {"dtype": 7}),
        ("aten._to_copy.default", [ONE], {"dtype": 10**9}),
        ("aten.clone.default", [ONE], {"memory_format": 99}),
        ("aten.zeros.default", [[2]], {"layout": 3}),
        ("aten.contiguous.default", [ONE], {"memory_format": torch.float32}),
        ("aten.add.Tensor", [ONE, [ONE]], {}),
        ("aten.relu.default", [ONE, ONE], {}),
        ("aten.relu.default", [ONE], {"self_": ONE}),
        ("aten.relu.default", [None], {}),
        ("aten.view.default", [ONE, [1.0]], {}),
        ("aten.view.default", [ONE, [True]], {}),
        ("aten.view.default", [ONE, [2**63]], {}),
        ("aten.randn.default", [["1"]], {}),
        ("mul", ["ab", 10**9], {}),
        ("mul", [2**63, 2], {}),
        ("mul", [[1], 3], {}),
    ],
)
def test_arguments_of_another_type_than_the_schemas_are_refused(
    target: str, positional: list[object], named: dict[str, object]
) -> None:
    function = find_operator(f"_operator.{target}" if "." not in target else f"torch.ops.{target}")
    assert function is not None
    with pytest.raises(TypeError):
        check_arguments(function, positional, named)


def test_arguments_as_exported_programs_have_them_are_accepted() -> None:
    accepted: list[tuple[str, list[object], dict[str, object]]] = [
        ("_to_copy.default", [ONE], {"dtype": torch.float16, "device": torch.device("cpu"), "non_blocking": True}),
        ("slice.Tensor", [ONE, 0, 0, 2**63 - 1], {}),
        ("clone.default", [ONE], {"memory_format": torch.contiguous_format}),
        ("mul.Tensor", [ONE, ONE], {}),
        ("mul.Tensor", [ONE, 0.5], {}),
        ("mul.Scalar", [ONE, 2], {}),
        ("pow.Tensor_Scalar", [ONE, 2.0], {}),
        ("upsample_nearest2d.vec", [torch.ones(1, 1, 2, 2), None, [2.0, 2.0]], {}),
        ("cat.default", [[ONE, ONE], -1], {}),
        ("masked_fill.Scalar", [ONE, ONE > 0, float("-inf")], {}),
    ]
    for name, positional, named in accepted:
        function = find_operator(f"torch.ops.aten.{name}")
        assert function is not None, name
        check_arguments(function, positional, named)
        function(*positional, **named)


ANSWERS = {
    "killed": ("os.kill(os.getpid(), 11)", "ended its process (signal 11)"),
    "nothing": ("sys.exit(3)", "ended its process (exit status 3)"),
    "no answer": ("print('no JSON')", "ended its process"),
    "objects": ('print(\'{"dtype": "|O", "shape": [3, 2]}\'); print(\'x\' * 47)', "ended its process"),
    "too few": ('print(\'{"dtype": "<f4", "shape": [3, 2]}\'); print(\'x\' * 9)', "ended its process"),
    "other shape": ('print(\'{"dtype": "<f4", "shape": [99, 2]}\'); print(\'x\' * 23)', "ended its process"),
    "its own error": ('print(\'{"error": "two\\\\nlines"}\')', "two lines"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_process_that_ends_or_answers_otherwise_gives_one_line(
    answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, complaint = ANSWERS[answer]
    worker = tmp_path / "python"
    worker.write_text(f"#!{sys.executable} -S\nimport os, sys\nsys.stdin.read()\n{program}\n")
    worker.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(worker))
    with pytest.raises(GanbenchError) as caught:
        run_confined(tmp_path / "evil.pt2", (2,), GeneratorSource(3))
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("part", "key"), [("inputs", "an argument"), ("outputs", "a result")])
def test_unknown_kinds_of_values_in_a_graph_are_one_line(tmp_path: Path, part: str, key: str) -> None:
    """They are met when the program runs."""
    path, source = tmp_path / "x.pt2", GeneratorSource(3, (3,))
    torch.export.save(torch.export.export(torch.nn.ReLU(), (torch.zeros(3, 3),)), path)

    def change(members: dict[str, bytes]) -> None:
        content = json.loads(members["models/model.json"])
        (node,) = content["graph_module"]["graph"]["nodes"]
        node[part][0] = {"name": "self", "arg": {"as_odd": 1}, "kind": 1} if part == "inputs" else {"as_odd": 1}
        members["models/model.json"] = json.dumps(content).encode()

    odd = modified_archive(path, tmp_path / "odd.pt2", change)
    with pytest.raises(GanbenchError, match=f"{key} of kind as_odd"):
        generate(read_network(odd, (3,), source), (3,), source, str(odd))
