"""Commands for components: list them, show one, and check plug-ins."""

from __future__ import annotations

from pathlib import Path

import click

from ganbench.cli.completion import kinds, name_of_shown_kind
from ganbench.cli.options import format_flag, plugins_flag
from ganbench.core.component_index import FOLDERS, SINGULAR
from ganbench.core.errors import GanbenchError
from ganbench.core.plain_text import plain_lines


@click.command("list")
@click.argument("kind", required=False, shell_complete=kinds(SINGULAR.values()))
@plugins_flag
@format_flag("table", "markdown")
def list_components(kind: str | None, plugins: tuple[Path, ...], style: str) -> None:
    """List components by name; those of one KIND in full.

    KIND is losses, penalties, archs, wrappers, datasets, metrics or protocols.
    """
    from ganbench.cli.console.component_list import as_markdown, entries_of, listing, names
    from ganbench.cli.console.terminal import Terminal
    from ganbench.core.registry import near_miss

    if kind is not None and kind not in FOLDERS:
        raise GanbenchError(f"there is no list of '{kind}': {near_miss(kind, FOLDERS)}")
    entries = entries_of([kind] if kind else FOLDERS, plugins)
    if style == "markdown":
        _say(as_markdown(entries))
    else:
        Terminal().print(listing(entries) if kind else names(entries))
        if kind is None:
            _say("\nMore: ganbench list losses · ganbench show loss wgan-gp")


@click.command()
@click.argument("kind", shell_complete=kinds(SINGULAR))
@click.argument("name", shell_complete=name_of_shown_kind)
@plugins_flag
def show(kind: str, name: str, plugins: tuple[Path, ...]) -> None:
    """Show everything about one component.

    \b
      ganbench show loss wgan-gp
      ganbench show metric fid
    """
    from ganbench.cli.console.component_list import about, entries_of
    from ganbench.cli.console.terminal import Terminal
    from ganbench.core.registry import near_miss

    folder = SINGULAR.get(kind, kind)
    if folder not in FOLDERS:
        raise GanbenchError(f"there are no components of the kind '{kind}': {near_miss(kind, SINGULAR)}")
    entries = {entry.name: entry for entry in entries_of([folder], plugins)[folder]}
    if name not in entries:
        raise GanbenchError(f"unknown {kind} '{name}': {near_miss(name, entries)}")
    Terminal().print(about(kind, entries[name]))


@click.command()
@click.argument("target", metavar="TARGET")
def check(target: str) -> None:
    """Check the components of a plug-in, and explain every check that fails.

    TARGET is a Python file, a module, or the name of an installed plug-in. Exits with status 1 if a check fails.

    \b
      ganbench check hinge.py
      ganbench check my_package
    """
    from ganbench.checks.plugin import check_plugin

    raise SystemExit(check_plugin(target, say=_say))


def _say(line: str) -> None:
    click.echo(plain_lines(line))
