"""Completion in the shell: names of components and experiments, read from source, runs, and the script that asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem, get_completion_class

from ganbench.core.component_index import FOLDERS, SINGULAR, without_plugins
from ganbench.core.errors import GanbenchError
from ganbench.core.experiment_files import experiment_files
from ganbench.core.plain_text import one_line
from ganbench.tracking.store import find_store

Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def names_of(kind: str) -> Completer:
    """Complete the names of the components of a kind, such as `losses`, but for those of plug-ins."""

    def complete(context: click.Context, parameter: click.Parameter, start: str) -> list[CompletionItem]:
        return [
            CompletionItem(entry.name, help=entry.summary)
            for entry in without_plugins(kind)
            if entry.name.startswith(start)
        ]

    return complete


def kinds(words: Iterable[str]) -> Completer:
    """Complete the words for kinds of components."""

    def complete(context: click.Context, parameter: click.Parameter, start: str) -> list[CompletionItem]:
        return [CompletionItem(word) for word in words if word.startswith(start)]

    return complete


def name_of_shown_kind(context: click.Context, parameter: click.Parameter, start: str) -> list[CompletionItem]:
    """Complete the name of a component of the kind that was typed before it."""
    kind = str(context.params.get("kind"))
    folder = SINGULAR.get(kind, kind)
    return names_of(folder)(context, parameter, start) if folder in FOLDERS else []


def complete_experiments(context: click.Context, parameter: click.Parameter, start: str) -> list[CompletionItem]:
    """Complete the names of the experiments that come with ganbench, beside files of the folder."""
    return [
        *(CompletionItem(name) for name in experiment_files() if name.startswith(start)),
        CompletionItem(start, type="file"),
    ]


def complete_runs(context: click.Context, parameter: click.Parameter, start: str) -> list[CompletionItem]:
    """Complete the id of a finished run in the local store that was typed before it, or in the usual one."""
    from ganbench.tracking.mlflow.finished import finished_runs

    try:
        runs = finished_runs(find_store(context.params.get("store")), start)
    except GanbenchError:  # what isn't there completes nothing; the command says why
        return []
    return [CompletionItem(run, help=one_line(words)) for run, words in runs.items()]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the script by which a shell completes commands, options and names.

    \b
      eval "$(ganbench completion bash)"                       in ~/.bashrc
      eval "$(ganbench completion zsh)"                        in ~/.zshrc
      ganbench completion fish > ~/.config/fish/completions/ganbench.fish
    """
    script = get_completion_class(shell)
    assert script is not None
    click.echo(script(context.find_root().command, {}, "ganbench", "_GANBENCH_COMPLETE").source())
