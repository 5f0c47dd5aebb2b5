"""The command that scores samples from any generator."""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path

import click

from ganbench.cli.completion import names_of
from ganbench.cli.options import device_flag, experiment_flag, format_flag, metrics_flag, plugins_flag, store_flag
from ganbench.core.errors import GanbenchError
from ganbench.core.picture_formats import FORMATS

OF_VECTORS = frozenset({"samples", "reference", "labels", "count", "device", "style"})
OF_IMAGES = frozenset({"features", "pixel_range", "clip", "latent", "latents", "seed"})
"""Further parameters that images beside real ones have."""


@click.command()
@click.argument("samples", type=click.Path(path_type=Path))
@click.option(
    "--dataset",
    metavar="NAME",
    default="mnist",
    show_default=True,
    shell_complete=names_of("datasets"),
    help="The target data set.",
)
@click.option(
    "--protocol",
    "protocols",
    metavar="NAME",
    shell_complete=names_of("protocols"),
    multiple=True,
    help="Evaluation protocol, or `all` for every protocol of the data set. Repeatable. Default: ganbench-2.",
)
@click.option(
    "--range", "pixel_range", metavar="RANGE", help="Pixel range of float images, if ambiguous: 0..1, -1..1 or 0..255."
)
@click.option("--clip", is_flag=True, help="Cut off pixels outside --range, as saving them as pictures would do.")
@click.option(
    "--reference",
    type=click.Path(path_type=Path),
    help="Real vectors (.npy, .npz) to compare vectors with, in place of a data set and a protocol; with --features, "
    "real images (.npy, .npz, folder of pictures).",
)
@click.option(
    "--labels", type=click.Path(path_type=Path), help="Modes of the real vectors, whole numbers (.npy, .npz)."
)
@click.option(
    "--features",
    type=click.Path(path_type=Path),
    help="A network (.onnx) whose features of images are compared, beside --reference: FID by a network of yours.",
)
@click.option("--count", type=int, help="Number of samples to score, if not the protocol's default.")
@click.option(
    "--arch",
    metavar="NAME",
    shell_complete=names_of("archs"),
    help="Architecture of a .safetensors generator, with options as in `run`.",
)
@click.option(
    "--latent-shape", "latent", metavar="SIZES", help="Shape of a generator's latent vector: 100, or 100,1,1."
)
@click.option(
    "--latent-distribution",
    "latents",
    type=click.Choice(["normal", "uniform"]),
    help="Distribution of the latent vectors. Default: that of --arch, or normal.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of a generator's latent vectors.")
@metrics_flag
@device_flag
@format_flag("table", "markdown", "json")
@click.option("--track", metavar="NAME", help="Keep the scores as a run of this name, beside your own runs.")
@experiment_flag
@store_flag
@plugins_flag
def evaluate(
    samples: Path,
    dataset: str,
    protocols: tuple[str, ...],
    pixel_range: str | None,
    clip: bool,
    reference: Path | None,
    labels: Path | None,
    features: Path | None,
    count: int | None,
    arch: str | None,
    latent: str | None,
    latents: str | None,
    seed: int,
    metrics: tuple[str, ...],
    device: str,
    style: str,
    track: str | None,
    experiment: str,
    store: str | None,
    plugins: tuple[Path, ...],
) -> None:
    """Score SAMPLES from any generator, with the floor of each metric beside it.

    \b
    SAMPLES is a .npz or .npy file, a folder of PNGs, JPEGs or WebPs (sub-folders are searched), or an
    exported generator:
      ganbench evaluate samples.npz --dataset mnist
      ganbench evaluate points.npy --dataset ring --protocol all
      ganbench evaluate generator.pt2 --latent-shape 100
      ganbench evaluate generator.onnx
      ganbench evaluate weights.safetensors --arch mlp

    \b
    Vectors of any kind are compared with real ones:
      ganbench evaluate fake.npy --reference real.npy --labels labels.npy

    \b
    Images of any kind, by the features of a network of yours:
      ganbench evaluate fakes/ --reference reals/ --features inception.onnx
    """
    if features is not None:
        _refuse_beside_reference("images beside real ones", OF_VECTORS | OF_IMAGES)
        if reference is None:
            raise GanbenchError("--features are those of images beside real ones: give these with --reference")
        _refuse_nothing(reference)
    elif reference is not None or labels is not None:
        _refuse_beside_reference("vectors", OF_VECTORS)
        from ganbench.cli.console.evaluate_vectors import vectors_session  # imports torch

        click.echo(vectors_session(samples, reference, labels, count, device, style))
        return
    else:
        _refuse_unknown(dataset, protocols, plugins)
    _refuse_nothing(samples)
    from ganbench.cli.console.evaluate import Request, evaluate_session  # imports torch
    from ganbench.cli.console.evaluate_features import features_session
    from ganbench.core.plugins import load_plugins

    load_plugins(plugins)
    request = Request(
        path=samples,
        dataset=dataset,
        protocols=protocols or ("ganbench-2",),
        pixel_range=pixel_range,
        clip=clip,
        count=count,
        arch=arch,
        latent=latent,
        latents=latents,
        seed=seed,
        metrics=metrics,
        device=device,
    )
    if features is not None and reference is not None:
        click.echo(features_session(request, reference, labels, features, style))
    else:
        click.echo(evaluate_session(request, style, track=track, experiment=experiment, store=store))


def _refuse_unknown(dataset: str, protocols: tuple[str, ...], plugins: tuple[Path, ...]) -> None:
    from ganbench.core.settings import parse_component
    from ganbench.spec.known_names import refuse_unknown

    named = {"dataset": [dataset], "protocol": [name for name in protocols if name != "all"]}
    refuse_unknown({option: list(map(parse_component, names)) for option, names in named.items()}, plugins)


def _refuse_beside_reference(what: str, allowed: Set[str]) -> None:
    """Refuse options that say nothing about vectors, or images of any kind."""
    context = click.get_current_context()
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") is click.core.ParameterSource.COMMANDLINE
        if given and parameter.name not in allowed:
            raise GanbenchError(f"{parameter.opts[0]} is not for {what}: leave it out")


def _refuse_nothing(samples: Path) -> None:
    """Refuse a missing file or a folder with nothing to read before torch is imported; reading refuses all else."""
    try:
        missing = not samples.is_symlink() and not samples.exists()
        empty = samples.is_dir() and not any(
            path.suffix.lower() in FORMATS or path.is_dir() for path in samples.iterdir()
        )
    except OSError:
        return  # reading says why
    if missing:
        raise GanbenchError(f"there is no file or folder '{samples}'")
    if empty:
        raise GanbenchError(f"'{samples}' has no pictures (.png, .jpg, .webp) and no sub-folders")
