"""Output in any encoding: what can't be encoded is spelled, and no command fails for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.output_encoding import spelled

ROOT = Path(__file__).parents[2]
ENCODINGS = ("ascii", "latin-1", "cp1252", "euc-kr", "utf-8")
PLUGIN = """
from ganbench.plugin import LOSSES, Loss, register

@register(LOSSES, "korean")
class Korean(Loss):
    '''Σ √λ → 손실 · ✓ (Gangné 2020).'''

    def critic_loss(self, real, fake):
        return (real - 1).square().mean() + fake.square().mean()

    def generator_loss(self, fake, real):
        return (fake - 1).square().mean()
"""


def output_of(code: str, encoding: str, *arguments: str) -> bytes:
    """Standard output and standard error of a Python program whose streams have this encoding."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, input=b"", timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("encoding", [*ENCODINGS, "ascii:strict", "utf-8:strict"])
def test_any_text_can_be_printed_and_reads_well(encoding: str) -> None:
    code = (
        "import click, sys; from ganbench.core.output_encoding import spell_unencodable_output as spell; spell(); "
        "spell(); text = 'σ ≤ 2 ✓ é 손\\udcff'; print(text); click.echo(text); print(text, file=sys.stderr)"
    )
    codec = encoding.partition(":")[0]
    lines = output_of(code, encoding).decode(codec).splitlines()
    whole = {"ascii": r"sigma <= 2 ok e \uc190\udcff", "utf-8": r"σ ≤ 2 ✓ é 손\udcff"}
    assert len(set(lines)) == 1
    assert len(lines) == 3
    assert lines[0] == whole.get(codec, lines[0])
    assert lines[0].endswith(r"\udcff"), "a byte of a file name that is no UTF-8"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    "command",
    [
        ["list"],
        ["list", "losses"],
        ["claims"],
        ["run", "--help"],
        ["run", "--dataset", "ring", "--dry-run"],
        ["check"],
        ["evaluate", "손실 ✓.npy"],
    ],
    ids=" ".join,
)
def test_commands_print_in_any_encoding(tmp_path: Path, encoding: str, command: list[str]) -> None:
    (tmp_path / "korean.py").write_text(PLUGIN, encoding="utf-8")
    plugin = [str(tmp_path / "korean.py")] if command == ["check"] else []
    result = CliRunner(charset=encoding).invoke(main, [*command, *plugin])
    assert isinstance(result.exception, SystemExit | None), result.exception
    assert result.exit_code in (0, 2)
    result.stdout_bytes.decode(encoding)
    result.stderr_bytes.decode(encoding)


def test_workers_print_in_any_encoding() -> None:
    """They inherit the encoding of the command."""
    code = "import os; from ganbench.runs.executors import worker; worker.main(os.getppid(), 60.0); print('✓ σ')"
    assert output_of(code, "ascii").decode("ascii") == "ok sigma\n"


def test_characters_of_our_own_output_are_spelled_apart() -> None:
    """No two that mean different things look alike: `✓` and `✗` must not both become `?`."""
    characters = {
        character
        for path in (ROOT / "ganbench").rglob("*.py")
        for character in path.read_text(encoding="utf-8")
        if not character.isascii()
    }
    assert characters
    assert all(spelled(character).isascii() and spelled(character) for character in characters)
    assert len({spelled(character) for character in "✓✗≤≥±→←×½√∞σμ…"}) == 14
