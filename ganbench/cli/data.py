"""Commands for data sets: fetch the published ones, and keep data sets of your own."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click
from click.shell_completion import CompletionItem

from ganbench.cli.options import plugins_flag
from ganbench.core.own_data import own_cards, own_data_folder, own_names
from ganbench.core.plain_text import plain_lines


def _complete_own(context: click.Context, parameter: click.Parameter, start: str) -> list[CompletionItem]:
    return [CompletionItem(name) for name in own_names() if name.startswith(start)]


@click.group()
def data() -> None:
    """Manage data sets: fetch published ones, add your own."""


@data.command()
@click.argument("dataset")
@plugins_flag
def fetch(dataset: str, plugins: tuple[Path, ...]) -> None:
    """Download a data set into the cache ($GANBENCH_DATA, else ~/.cache/ganbench) and verify it."""
    import torch

    from ganbench.core.plugins import load_plugins
    from ganbench.data import DATASETS
    from ganbench.data.fetch import cache_folder

    load_plugins(plugins)
    loaded = DATASETS.create({"name": dataset}).load(torch.device("cpu"), say=_say)
    _say(f"{dataset}: {len(loaded):,} training samples, {len(loaded.mode_names):,} modes, in {cache_folder()}")


@data.command()
@click.argument("name")
@click.argument("source", type=click.Path(path_type=Path))
@click.option(
    "--size",
    type=int,
    metavar="PIXELS",
    help="Side of the images: 28, 32, … 128. By default that of the pictures, if all are equal squares.",
)
@click.option(
    "--colour",
    type=click.Choice(["grey", "rgb"]),
    help="Convert all images. By default they are grey if no picture has colour.",
)
@click.option("--drop", multiple=True, metavar="CLASS", help="Leave out a class. May be given several times.")
@click.option(
    "--clusters",
    type=int,
    metavar="NUMBER",
    help="Find this number of clusters in images without labels. They take the place of classes.",
)
@click.option(
    "--features",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Find clusters in these features, an .npy file with a row for each image, in the order of sorted file names.",
)
def add(
    name: str,
    source: Path,
    size: int | None,
    colour: Literal["grey", "rgb"] | None,
    drop: tuple[str, ...],
    clusters: int | None,
    features: Path | None,
) -> None:
    """Add images of your own, for --dataset NAME.

    SOURCE is a folder with a sub-folder of PNG, JPEG or WebP files for each class; or a folder of such files with a
    labels.csv, whose columns are file and label; or an .npz file with the arrays `images` (uint8) and `labels`; or a
    folder made by `ganbench data export`; or torchvision:CIFAR10, CIFAR100, SVHN, STL10 and like ones, downloaded
    unless a folder of torchvision's is named: torchvision:SVHN:FOLDER. With --clusters, no labels are needed.

    The images are checked, resized and split; a classifier is trained to recognise their classes, and tested; all is
    kept in $GANBENCH_DATA/own, else in ~/.local/share/ganbench/own. It takes a few minutes for 60,000 images.

    \b
      ganbench data add flowers photos/ --size 32
      ganbench data add faces unsorted/ --size 32 --clusters 8
      ganbench data add house-numbers torchvision:SVHN
      ganbench run --dataset flowers --arch dcgan
    """
    from ganbench.cli.console.adding import progress_bar
    from ganbench.data.own.add import add_data
    from ganbench.data.own.folder import readable_card

    with progress_bar() as progress:
        card = add_data(
            name,
            source,
            size=size,
            colour=colour,
            drop=drop,
            clusters=clusters,
            features=features,
            say=_say,
            progress=progress,
        )
    _say(readable_card(name))
    _say(f"\nTry: ganbench run --dataset {name} --arch {'dcgan' if max(card.shape) <= 64 else 'mlp'}")


@data.command("list")
def list_own() -> None:
    """List your own data sets."""
    cards = own_cards()
    for name in own_names():
        _say(f"{name}  {cards[name].summary.removeprefix('Own data: ') if name in cards else 'damaged: remove it'}")
    if not own_names():
        _say(f"there are none in {own_data_folder()}: add one with ganbench data add NAME SOURCE")


@data.command("show")
@click.argument("name", shell_complete=_complete_own)
def show_own(name: str) -> None:
    """Show the card of a data set of your own, and what its real images score."""
    from ganbench.data.own.folder import readable_card

    _say(readable_card(name))
    from ganbench.cli.console.own_data import show_floors  # imports torch

    click.echo(f"\n{show_floors(name)}")


@data.command()
@click.argument("name", shell_complete=_complete_own)
def remove(name: str) -> None:
    """Remove a data set of your own; runs that used it stay."""
    from ganbench.data.own.folder import remove_folder

    remove_folder(name)
    _say(f"removed {name}")


@data.command()
@click.argument("name", shell_complete=_complete_own)
@click.argument("folder", type=click.Path(path_type=Path))
def export(name: str, folder: Path) -> None:
    """Write a data set of your own, with its classifier, into a new FOLDER for another machine.

    There, `ganbench data add NAME FOLDER` adds it, and the same samples get the same numbers. A file croissant.json
    describes the folder to other programs (ML Commons Croissant 1.0).
    """
    from ganbench.data.own.exchange import export_data

    export_data(name, folder)
    _say(f"exported {name} to {folder}")


def _say(line: str) -> None:
    click.echo(plain_lines(line))
