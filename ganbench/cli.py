"""The command line: parse, build a spec, make one call, print.

Everything slow (torch, mlflow, pandas) is imported inside the commands, so that `--help` answers at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ganbench import __version__
from ganbench.errors import GanbenchError

EXPERIMENT = "ganbench"
INTERRUPTED = 130


class _Commands(click.Group):
    """A group that prints our own errors on one line, with exit status 2, as click prints its own."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GanbenchError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(2)
        except BrokenPipeError:
            raise  # somebody closed the pipe; click ends quietly
        except OSError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(INTERRUPTED)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order in which a person needs them


def _store(command: Any) -> Any:
    return click.option(
        "--store",
        metavar="FOLDER|URI",
        help="Where runs are kept: a folder, or an MLflow tracking URI. "
        "Default: $MLFLOW_TRACKING_URI, else ./mlruns-ganbench.",
    )(command)


def _experiment(command: Any) -> Any:
    return click.option(
        "--experiment", default=EXPERIMENT, show_default=True, help="The experiment that runs belong to."
    )(command)


def _plugins(command: Any) -> Any:
    return click.option(
        "--plugin",
        "plugins",
        multiple=True,
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="A Python file that registers losses, architectures, … of your own. Can be repeated.",
    )(command)


def _results(command: Any) -> Any:
    return click.option(
        "--from",
        "source",
        type=click.Path(path_type=Path),
        metavar="CSV",
        help="Read results.csv of a report instead of a store.",
    )(command)


def _budget(command: Any) -> Any:
    return click.option(
        "--x",
        metavar="BUDGET",
        default="images",
        show_default=True,
        callback=lambda _context, _option, word: word.replace("-", "_"),
        help="Set scores against images, step, critic-steps, generator-steps, critic-evaluations or seconds.",
    )(command)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ganbench")
def main() -> None:
    """Train GANs, measure mode collapse, and compare what prevents it.

    \b
    A first run (a few minutes on a CPU), the same with another loss, and both side by side:
      ganbench run --loss minimax --arch mlp
      ganbench run --loss non-saturating --arch mlp
      ganbench compare
    """


@main.command()
@click.option("--loss", metavar="NAME", help="What both networks minimise (see `ganbench list losses`).")
@click.option("--arch", metavar="NAME", help="The networks (see `ganbench list archs`).")
@click.option("--dataset", metavar="NAME", help="What is imitated (see `ganbench list datasets`).")
@click.option(
    "--penalty",
    "penalties",
    multiple=True,
    metavar="NAME",
    help="A gradient penalty on the critic in place of the loss's own, as gp:weight=10, or `none`. Can be repeated.",
)
@click.option(
    "--protocol", metavar="NAME", help="How samples are scored (see `ganbench list protocols`). Default: ganbench-1."
)
@click.option(
    "--seeds", default="0", show_default=True, help="Seeds, trained together: 0-2 or 0,3,7. A run is kept for each."
)
@click.option(
    "--wrap",
    "wrappers",
    multiple=True,
    metavar="NAME",
    help="A change to the critic (see `ganbench list wrappers`), as spectral-norm, or `none`. Can be repeated.",
)
@click.option("--pac", type=int, metavar="M", help="Show the critic M samples at once (PacGAN).")
@click.option("--steps", metavar="N", help="The budget, in steps; 400k and 10M are understood.")
@click.option("--epochs", type=float, help="The budget, in passes of the critic over the data. Default: 8.")
@click.option("--critic-steps", metavar="N", help="The budget, in updates of the critic.")
@click.option("--images", metavar="N", help="The budget, in real images seen.")
@click.option("--batch-size", type=int, help="Real, and generated, samples in an update. Default: 64.")
@click.option(
    "--eval-every", type=int, help="Steps between evaluations. Default: a twentieth of the steps, at least 100."
)
@click.option(
    "--stop-on",
    metavar="collapse",
    help="End a seed that stays collapsed for 5 evaluations, or for N with collapse:N. It is scored and counted.",
)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@_experiment
@_store
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="TABLE.OPTION=VALUE",
    help="Any option of the spec: train.critic_lr=1e-4, arch.latent_dim=64. Can be repeated.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE.toml",
    help="Settings from a file; flags override it. `--dry-run` prints one.",
)
@click.option("--dry-run", is_flag=True, help="Print the resolved spec as TOML and stop.")
@click.option("--force", is_flag=True, help="Repeat runs that are finished already.")
@_plugins
def run(
    loss: str | None,
    arch: str | None,
    dataset: str | None,
    penalties: tuple[str, ...],
    wrappers: tuple[str, ...],
    protocol: str | None,
    seeds: str,
    pac: int | None,
    steps: str | None,
    epochs: float | None,
    critic_steps: str | None,
    images: str | None,
    batch_size: int | None,
    eval_every: int | None,
    stop_on: str | None,
    device: str,
    experiment: str,
    store: str | None,
    assignments: tuple[str, ...],
    config: Path | None,
    dry_run: bool,
    force: bool,
    plugins: tuple[Path, ...],
) -> None:
    """Train a GAN on one or more seeds, and measure how much of the data it covers.

    A component's options follow its name: --arch mlp:latent_dim=64 --penalty gp:weight=1. What you don't set comes from
    the loss's paper, then from defaults. The same command goes on where it was interrupted, and does nothing where it
    is finished.
    """
    from ganbench.config import lay_over, resolve
    from ganbench.registry import load_plugins
    from ganbench.settings import (
        merge,
        parse_assignment,
        parse_component,
        parse_count,
        parse_seeds,
        parse_stop,
        read_config,
        to_toml,
    )

    load_plugins(plugins)
    named = {"loss": loss, "arch": arch, "dataset": dataset, "protocol": protocol}
    flags: dict[str, Any] = {key: parse_component(text) for key, text in named.items() if text is not None}
    for several, texts in (("penalty", penalties), ("wrapper", wrappers)):
        if texts:
            flags[several] = [parse_component(text) for text in texts if text != "none"]
    counts = {"steps": steps, "critic_steps": critic_steps, "images": images}
    train: dict[str, Any] = {key: parse_count(text) for key, text in counts.items() if text is not None}
    train |= {"epochs": epochs, "batch_size": batch_size, "pac": pac}
    flags["train"] = {key: value for key, value in train.items() if value is not None}
    flags["evaluation"] = {"every": eval_every} if eval_every is not None else {}
    if stop_on is not None:
        flags["evaluation"] |= parse_stop(stop_on)
    spec = resolve(lay_over(read_config(config) if config else {}, merge([flags, *map(parse_assignment, assignments)])))
    chosen = parse_seeds(seeds)
    if dry_run:
        click.echo(to_toml(spec.to_dict()), nl=False)
        for seed in chosen:
            click.echo(f"# seed {seed}: run {spec.run_id(seed)}")
        return
    from ganbench.session import run_session

    raise SystemExit(run_session(spec, chosen, device=device, experiment=experiment, store=store, force=force))


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--budget", metavar="NAME", help="One of the budgets that the file names. Default: its first.")
@click.option("--seeds", help="Other seeds than the file's.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--experiment", help="The experiment that runs belong to. Default: the file's name and the budget's.")
@_store
@click.option("--dry-run", is_flag=True, help="Print what would be trained, and stop.")
@_plugins
def sweep(
    file: Path,
    budget: str | None,
    seeds: str | None,
    device: str,
    experiment: str | None,
    store: str | None,
    dry_run: bool,
    plugins: tuple[Path, ...],
) -> None:
    """Run every combination in an experiment FILE; run again, it does only what is missing.

    \b
    The experiments in the folder experiments/ each ask one question:
      ganbench sweep experiments/balance.toml
      ganbench sweep experiments/balance.toml --budget paper
    """
    import dataclasses

    from ganbench.registry import load_plugins
    from ganbench.settings import parse_seeds
    from ganbench.sweep import read_sweep

    load_plugins(plugins)
    asked = read_sweep(file, budget)
    if seeds is not None:
        asked = dataclasses.replace(asked, seeds=parse_seeds(seeds))
    from ganbench.sweep_session import differences, sweep_session

    if dry_run:
        click.echo(asked.question)
        for spec, told in zip(asked.specs, differences(asked), strict=True):
            click.echo(f"{spec.group_id}  {spec.title}, {spec.train.steps:,} steps  {told}")
        click.echo(f"{len(asked.specs)} groups of {len(asked.seeds)} seeds")
        return
    name = experiment or "-".join(filter(None, (asked.name, asked.budget)))
    raise SystemExit(sweep_session(asked, device=device, experiment=name, store=store))


@main.command()
@_experiment
@_store
@_results
@_budget
@click.option("--by", default="loss,arch,options", show_default=True, help="Columns that make a group.")
@click.option("--metric", help="Metrics to show. Default: fid, modes, modes-strict, hq, kl, as far as measured.")
@click.option(
    "--format", "style", type=click.Choice(["table", "markdown", "csv", "json"]), default="table", show_default=True
)
def compare(
    experiment: str, store: str | None, source: Path | None, x: str, by: str, metric: str | None, style: str
) -> None:
    """Set the runs of an experiment side by side: median and range over seeds, failures, and the floor.

    The floor, in the last row, is what real data score when they are treated as generated.
    """
    from ganbench.report.tables import render
    from ganbench.results import final_scores, load_results, read_csv
    from ganbench.stats import compare as compare_groups
    from ganbench.stats import headline
    from ganbench.track.store import find_store

    results = read_csv(source) if source else load_results(find_store(store), experiment)
    metrics = headline(final_scores(results.table)) if metric is None else _words(metric)
    click.echo(render(compare_groups(results.table, _words(by), metrics, x), metrics, style, x))


@main.command()
@_experiment
@_store
@_results
@_budget
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("reports"), show_default=True, help="Folder for reports."
)
def report(experiment: str, store: str | None, source: Path | None, x: str, out: Path) -> None:
    """Write a report: one self-contained HTML page, the same in Markdown, results.csv, and the figures as SVG."""
    from ganbench.report import write_report
    from ganbench.results import load_results, read_csv
    from ganbench.track.store import find_store

    results = read_csv(source) if source else load_results(find_store(store), experiment, history=True)
    folder = write_report(results, out, title=source.name if source else experiment, x=x)
    click.echo(f"wrote {folder / 'report.html'}, report.md, results.csv and figures/")


@main.command()
@click.argument("samples", type=click.Path(path_type=Path))
@click.option("--dataset", metavar="NAME", default="mnist", show_default=True, help="What they imitate.")
@click.option(
    "--protocol",
    "protocols",
    metavar="NAME",
    multiple=True,
    help="How they are scored; can be repeated, and `all` is every protocol for the data set. Default: ganbench-1.",
)
@click.option("--range", "pixel_range", metavar="RANGE", help="Of float images, where in doubt: 0..1, -1..1 or 0..255.")
@click.option("--count", type=int, help="Score so many, where that isn't the protocol's own number.")
@click.option("--arch", metavar="NAME", help="Whose weights a .safetensors generator holds, with options as in `run`.")
@click.option("--latent", metavar="SIZES", help="Shape of a generator's latent: 100, or 100,1,1.")
@click.option(
    "--latents",
    type=click.Choice(["normal", "uniform"]),
    help="How they are drawn. Default: as the --arch does, or normal.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of a generator's latents.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--format", "style", type=click.Choice(["table", "markdown", "json"]), default="table", show_default=True)
@click.option("--track", metavar="NAME", help="Keep it as a run of that name, beside those that were trained here.")
@_experiment
@_store
@_plugins
def evaluate(
    samples: Path,
    dataset: str,
    protocols: tuple[str, ...],
    pixel_range: str | None,
    count: int | None,
    arch: str | None,
    latent: str | None,
    latents: str | None,
    seed: int,
    device: str,
    style: str,
    track: str | None,
    experiment: str,
    store: str | None,
    plugins: tuple[Path, ...],
) -> None:
    """Score SAMPLES that anything made, with the floor of each number beside it.

    \b
    SAMPLES is a .npz or .npy file, a folder of PNGs, or a generator that is run:
      ganbench evaluate samples.npz --dataset mnist
      ganbench evaluate points.npy --dataset ring --protocol all
      ganbench evaluate generator.pt2 --latent 100
      ganbench evaluate weights.safetensors --arch mlp
    """
    from ganbench.evaluate_session import Request, evaluate_session
    from ganbench.registry import load_plugins

    load_plugins(plugins)
    request = Request(
        path=samples,
        dataset=dataset,
        protocols=protocols or ("ganbench-1",),
        pixel_range=pixel_range,
        count=count,
        arch=arch,
        latent=latent,
        latents=latents,
        seed=seed,
        device=device,
    )
    click.echo(evaluate_session(request, style, track=track, experiment=experiment, store=store))


@main.command()
@click.option("--data", type=click.Choice(["all", "mnist", "ring"]), default="all", show_default=True)
@click.option("--format", "style", type=click.Choice(["table", "markdown"]), default="table", show_default=True)
@_plugins
def doctor(data: str, style: str, plugins: tuple[Path, ...]) -> None:
    """Plant faults with known answers, and show which metric sees which kind of collapse.

    Ends with status 1 where a metric does not see what it claims to see, or calls faulty samples better than real ones.
    Metrics of plug-ins are examined too.
    """
    from ganbench.doctor import examine_images, examine_points
    from ganbench.registry import load_plugins
    from ganbench.show import LEGEND, show_diagnosis

    load_plugins(plugins)
    diagnoses = []
    for name, examine in (("mnist", examine_images), ("ring", examine_points)):
        if data not in (name, "all"):
            continue
        diagnosis = examine(lambda line: click.echo(line, err=True))
        diagnoses.append(diagnosis)
        click.echo(f"\n{show_diagnosis(diagnosis, style)}")
    click.echo(f"\n{LEGEND}")
    raise SystemExit(0 if all(diagnosis.healthy for diagnosis in diagnoses) else 1)


@main.command()
@click.argument("target", metavar="TARGET")
def contract(target: str) -> None:
    """Hold a plug-in's components against what every component must hold to, and say in words what is broken.

    TARGET is a Python file, a module, or the name of an installed plug-in. Ends with status 1 where a law is broken.

    \b
      ganbench contract hinge.py
      ganbench contract my_package
    """
    from ganbench.contract.plugin import examine_plugin

    raise SystemExit(examine_plugin(target, say=click.echo))


@main.command("list")
@click.argument("kind", required=False)
@_plugins
def list_components(kind: str | None, plugins: tuple[Path, ...]) -> None:
    """Show what there is: losses, penalties, archs, datasets, metrics, protocols."""
    from rich.console import Console

    from ganbench.listing import KINDS, listing
    from ganbench.registry import load_plugins, near_miss

    load_plugins(plugins)
    if kind is not None and kind not in KINDS:
        raise GanbenchError(f"there is no list of '{kind}': {near_miss(kind, KINDS)}")
    Console(markup=False, highlight=False).print(listing([kind] if kind else list(KINDS)))


@main.group()
def data() -> None:
    """Get data sets."""


@data.command()
@click.argument("dataset")
@_plugins
def fetch(dataset: str, plugins: tuple[Path, ...]) -> None:
    """Put a data set into the cache ($GANBENCH_DATA, else ~/.cache/ganbench), checked."""
    import torch

    from ganbench.data import DATASETS
    from ganbench.data.fetch import cache_folder
    from ganbench.registry import load_plugins

    load_plugins(plugins)
    loaded = DATASETS.create({"name": dataset}).load(torch.device("cpu"), say=click.echo)
    click.echo(f"{dataset}: {len(loaded):,} training samples, {len(loaded.mode_names):,} modes, in {cache_folder()}")


@main.command()
@_experiment
@_store
@click.option("--port", type=click.IntRange(0, 65535), default=5000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
def ui(experiment: str, store: str | None, port: int, host: str) -> None:
    """Open the MLflow page of a store, and print the address of the experiment's runs."""
    from ganbench.track.server import serve
    from ganbench.track.store import find_store

    raise SystemExit(serve(find_store(store), experiment, host, port, say=click.echo))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
