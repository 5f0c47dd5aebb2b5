"""The command line: it starts fast, lists components, and rejects bad input with one line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from ganbench.cli import main
from ganbench.core.experiment_files import experiment_files
from ganbench.spec.known_names import refuse_unknown_in_file, refuse_unknown_settings
from ganbench.spec.run_spec import resolve
from ganbench.spec.train_spec import BUDGETS

PARTIAL = """
from ganbench.plugin import LOSSES, Loss
from ganbench.methods.losses.minimax import Minimax
from ganbench.plugin import register

@register(LOSSES, "partial")
class Partial(Loss):
    'Half a loss (nobody, 2026).'
    def critic_loss(self, real, fake):
        return fake.mean()
"""
SLOW = ("torch", "torchvision", "mlflow", "pandas", "numpy", "scipy", "matplotlib", "rich")


def test_help_imports_nothing_slow() -> None:
    code = (
        "import sys; from ganbench.cli import main\n"
        "for words in (['--help'], ['run', '--help'], ['evaluate', '--help'], ['--version']):\n"
        "    main(words, standalone_mode=False)\n"
        f"sys.exit(' '.join(name for name in {SLOW} if name in sys.modules) or None)"
    )
    result = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "Train a GAN" in result.stdout


CONFIG = '[arch]\nname = "mlp"\nlatent_dmi = 4\n'
SWEEP = '[base]\ndataset = "ring"\n[axes]\nloss = ["minimax", "hinj"]\n'


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("run --loss minmax", "did you mean 'minimax'?"),
        ("run --loss minimax:weight=3", "loss 'minimax' has no option 'weight'"),
        ("run --penalty r3", "unknown penalty 'r3'"),
        ("run --seeds 3-1", "runs backwards"),
        ("run --set penalty=drogan", "unknown penalty 'drogan': did you mean 'dragan'?"),
        ("run --set penalty=r1", "did you mean --penalty r1?"),
        ("run --set n_generator=5", "did you mean train.n_generator=5?"),
        ("run --set train.n_genrator=5", "train has no option 'n_genrator': did you mean 'n_generator'?"),
        ("run --set evaluation.evry=5", "evaluation has no option 'evry': did you mean 'every'?"),
        ("run --set trian.steps=5", "there is no setting 'trian': did you mean 'train'?"),
        ("run --set arch.latent_dmi=5", "no architecture has an option 'latent_dmi': did you mean 'latent_dim'?"),
        ("explain --loss hinge --set loss.smoothng=1", "loss 'hinge' has no option 'smoothng'"),
        ("run --config missing.toml", "can't be read"),
        ("run --config config.toml", "architecture 'mlp' has no option 'latent_dmi': did you mean 'latent_dim'?"),
        ("sweep sweep.toml", "'sweep.toml' with loss = hinj: unknown loss 'hinj': did you mean 'hinge'?"),
        ("status sweep.toml", "'sweep.toml' with loss = hinj: unknown loss 'hinj': did you mean 'hinge'?"),
        ("status sweep.toml --budget paper", "has no budget 'paper'"),
        ("evaluate missing.npy", "there is no file or folder"),
        ("evaluate .", "has no pictures"),
        ("evaluate missing.npy --dataset rind", "did you mean 'ring'?"),
    ],
)
def test_wrong_input_is_refused_before_torch_is_imported(command: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG)
    (tmp_path / "sweep.toml").write_text(SWEEP)
    code = (
        "import sys; from ganbench.cli import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *command.split()], check=False, capture_output=True, text=True, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert message in result.stderr


def test_names_that_are_known_are_not_refused() -> None:
    for path in experiment_files().values():
        refuse_unknown_in_file(path, None)
    spec = resolve({"loss": {"name": "wgan-gp"}, "wrapper": "spectral-norm", "penalty": "none"}).to_dict()
    refuse_unknown_settings(spec)
    amounts = dict.fromkeys(BUDGETS, 1)
    refuse_unknown_settings({"train": amounts, "penalty": "r1:gamma=1 + r2", "arch": {"latent_dim": 2}})


def test_reading_results_does_not_import_torch() -> None:
    code = (
        "import sys\n"
        "import ganbench.results.report, ganbench.results.compare, ganbench.results.run_summary\n"
        "import ganbench.tracking.mlflow.reading\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_help_says_discriminator_except_in_option_names() -> None:
    from rich.console import Console

    from ganbench.cli.console.run_progress import describe

    console = Console(width=300)
    with console.capture() as capture:
        spec = resolve({"loss": {"name": "hinge"}, "wrapper": [{"name": "spectral-norm"}]})
        describe(spec, (0,), "cpu", "here", console)
    texts = [capture.get()]
    for name, command in main.commands.items():
        with click.Context(command, info_name=name, max_content_width=1_000, terminal_width=1_000) as context:
            texts.append(command.get_help(context))
    option_names = r"\bcritic[-_]\w+"
    for text in texts:
        assert "critic" not in re.sub(option_names, "", text), text
    assert "discriminator" in texts[0]


def test_list_shows_all_kinds_or_a_single_one() -> None:
    everything = CliRunner().invoke(main, ["list"], env={"COLUMNS": "200"}).output
    names = ("minimax", "wgan-gp", "gp", "dcgan", "mnist", "stacked-mnist", "ring", "modes_strict", "ganbench-1")
    for name in (*names, "pacgan-2018"):
        assert name in everything
    losses = CliRunner().invoke(main, ["list", "losses"], env={"COLUMNS": "200"}).output
    assert "non-saturating" in losses
    assert "arXiv:1406.2661" in losses
    assert "dcgan" not in losses


def test_list_fits_a_screen_and_show_tells_all_of_one_component() -> None:
    lines = CliRunner().invoke(main, ["list"], env={"COLUMNS": "80"}).output.splitlines()
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 80
    shown = CliRunner().invoke(main, ["show", "penalty", "gp"], env={"COLUMNS": "80"}).output
    assert "Gulrajani" in shown
    assert "weight=10.0" in shown
    wrong = CliRunner().invoke(main, ["show", "loss", "minmax"])
    assert (wrong.exit_code, wrong.output) == (2, "Error: unknown loss 'minmax': did you mean 'minimax'?\n")


def test_help_groups_the_commands_and_cuts_no_sentence() -> None:
    text = CliRunner().invoke(main, ["--help"], env={"COLUMNS": "80"}).output
    places = [text.index(f"{title}:\n") for title in ("Train", "Look", "Score", "Use", "Extend")]
    assert places == sorted(places)
    assert "..." not in text[places[0] :]
    for name in main.commands:
        assert f"\n  {name} " in text[places[0] :]


def test_dry_run_prints_a_spec_that_can_be_loaded(tmp_path: Path) -> None:
    first = CliRunner().invoke(main, ["run", "--loss", "wgan-gp", "--steps", "7", "--dry-run"])
    assert first.exit_code == 0
    (tmp_path / "spec.toml").write_text(first.output)
    again = CliRunner().invoke(main, ["run", "--config", str(tmp_path / "spec.toml"), "--dry-run"])
    assert again.output == first.output
    other = CliRunner().invoke(
        main,
        ["run", "--config", str(tmp_path / "spec.toml"), "--steps", "8", "--set", "train.critic_lr=1", "--dry-run"],
    )
    assert "steps = 8" in other.output
    assert "critic_lr = 1.0" in other.output
    assert "n_critic = 5" in other.output


def test_protocol_and_stop_on_are_part_of_the_spec(tmp_path: Path) -> None:
    args = ["run", "--dataset", "ring", "--protocol", "selfcond-2020", "--stop-on", "collapse:3", "--dry-run"]
    first = CliRunner().invoke(main, args)
    assert first.exit_code == 0, first.output
    for line in ('name = "selfcond-2020"', "radius = 2.0", "samples = 50000", 'stop_on = "collapse"', "patience = 3"):
        assert line in first.output
    (tmp_path / "spec.toml").write_text(first.output)
    again = CliRunner().invoke(main, ["run", "--config", str(tmp_path / "spec.toml"), "--dry-run"])
    assert again.output == first.output


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("run --loss minmax", "did you mean 'minimax'?"),
        ("run --loss minimax:weight=3", "loss 'minimax' has no option 'weight'"),
        ("run --arch mpl", "did you mean 'mlp'?"),
        ("run --dataset cifar", "unknown dataset 'cifar'"),
        ("run --protocol ganbench-3", "did you mean 'ganbench-2'?"),
        ("run --protocol pacgan-2018", "doesn't cover mnist"),
        ("run --protocol pacgan-2018 --dataset ring:sigma=0.1", "fixes sigma of ring at 0.01, not 0.1"),
        ("run --dataset ring --arch dcgan", "can't be built"),
        ("run --stop-on sunset", "stop_on must be one of never, collapse"),
        ("run --stop-on collapse:", "should read collapse"),
        ("run --stop-on collapse:0", "patience must be at least 1"),
        ("evaluate missing.npy", "missing.npy"),
        ("evaluate missing.npy --dataset rind", "did you mean 'ring'?"),
        ("evaluate missing.npy --protocol ganbench-3", "did you mean 'ganbench-2'?"),
        ("run --penalty r3", "unknown penalty 'r3'"),
        ("run --seeds 3-1", "runs backwards"),
        ("run --seeds x", "should look like 0-2 or 0,3,7"),
        ("run --seeds 1234567890", "at most nine digits"),
        ("run --batch-size 100000", "larger than the data set"),
        ("run --batch-size 0", "at least 1"),
        ("run --steps -5", "is not a number"),
        ("run --steps 5 --epochs 2", "give one budget, not steps and epochs"),
        ("run --set steps=5", "table.option=value"),
        ("run --set train.stepz=5", "did you mean 'steps'?"),
        ("run --config missing.toml", "can't be read"),
        ("run --config broken.toml", "not valid TOML"),
        ("run --plugin missing.py", "there is no plugin file"),
        ("run --plugin broken.py", "can't be loaded: ZeroDivisionError"),
        ("run --plugin partial.py", "loss 'partial' doesn't define generator_loss"),
        ("run --plugin vague.py", "option 'level' needs a default"),
        ("run --device cuda", "no GPU"),
        ("run --steps 1 --store file", "can't be written"),
        ("run --steps 1 --experiment ../up", "may only contain letters"),
        ("run --steps many", "is not a number like 400k"),
        ("compare --store nothing", "there is no store"),
        ("compare --from missing.csv", "can't be read"),
        ("compare --from broken.toml", "lack the columns"),
        ("report --store nothing", "there is no store"),
        ("ui --store nothing", "there is no store"),
        ("compare --store broken", "can't be used: "),
        ("run --steps 1 --store broken", "can't be used: "),
        ("run --steps 1 --store http://127.0.0.1:1", "can't be used: "),
        ("compare --store http://127.0.0.1:1", "can't be used: "),
        ("list looses", "did you mean 'losses'?"),
        ("data fetch cifar", "unknown dataset 'cifar'"),
    ],
)
def test_bad_input_gives_a_one_line_error_and_status_2(
    command: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("broken.toml").write_text("[train\n")
    Path("broken.py").write_text("1 / 0\n")
    Path("partial.py").write_text(PARTIAL)
    Path("vague.py").write_text(PARTIAL.replace("(Loss)", "(Minimax)") + "    level: object = None\n")
    Path("broken").mkdir()
    Path("broken/mlflow.db").write_bytes(b"no database at all " * 400)
    Path("broken/.store.lock").touch()
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    before = sorted(path.name for path in tmp_path.rglob("*"))
    result = CliRunner().invoke(main, command.split())
    assert result.exit_code == 2
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in result.output
    assert sorted(path.name for path in tmp_path.rglob("*")) == before, "something was written"


def test_too_little_memory_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: object) -> None:
        raise MemoryError

    monkeypatch.setattr("ganbench.results.report.sources.read_csv", read)
    result = CliRunner().invoke(main, ["report", "--from", "results.csv", "--title", "a"])
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "too little memory" in result.output


def test_components_are_joined_as_in_files_or_given_one_by_one() -> None:
    both, each = (
        CliRunner().invoke(main, ["explain", "--loss", "minimax", *flags])
        for flags in (["--penalty", "r1:gamma=2.0 + r2"], ["--penalty", "r1:gamma=2.0", "--penalty", "r2"])
    )
    assert both.exit_code == 0, both.output
    assert both.output == each.output
    assert "+ r1 + r2" in both.output
