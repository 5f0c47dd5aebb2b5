"""Commands that measure: samples of anybody, and the metrics themselves."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.options import experiment_flag, plugins_flag, store_flag


@click.command()
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
@experiment_flag
@store_flag
@plugins_flag
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
    from ganbench.cli.console.evaluate import Request, evaluate_session
    from ganbench.core.plugins import load_plugins

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


@click.command()
@click.option("--data", type=click.Choice(["all", "mnist", "ring"]), default="all", show_default=True)
@click.option("--format", "style", type=click.Choice(["table", "markdown"]), default="table", show_default=True)
@plugins_flag
def doctor(data: str, style: str, plugins: tuple[Path, ...]) -> None:
    """Plant faults with known answers, and show which metric sees which kind of collapse.

    Ends with status 1 where a metric does not see what it claims to see, or calls faulty samples better than real ones.
    Metrics of plug-ins are examined too.
    """
    from ganbench.cli.console.evaluation_tables import LEGEND, show_diagnosis
    from ganbench.core.plugins import load_plugins
    from ganbench.evaluation.doctor import examine_images, examine_points

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
