"""Write into the pages what the registries know: `python docs/generate.py`.

A page names a block in a comment, and what stands between that comment and the next `<!-- end -->` is made here. The
pages are committed, so that they can be read in the repository; a test holds them to what this makes.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from ganbench.cli.console.component_list import as_markdown
from ganbench.core.component_index import FOLDERS, from_source
from ganbench.core.registry import Component
from ganbench.evaluation.metrics import METRICS
from ganbench.evaluation.protocols import PROTOCOLS, Case
from ganbench.methods.losses import Loss
from ganbench.spec.registries import REGISTRIES

DOCS = Path(__file__).parent
BLOCK = re.compile(r"(<!-- made by docs/generate\.py: ([a-z-]+) -->\n).*?(<!-- end -->)", flags=re.DOTALL)
BETTER = {"lower": "lower", "higher": "higher", "real": "near real"}


def table(kind: str) -> str:
    """Name, first line and options of each component, as `ganbench list --format markdown` has them."""
    return as_markdown({kind: from_source(kind)}).partition("\n\n")[2]


def in_full(kind: str) -> str:
    """All that the docstrings say, what a loss trains with, and where the source is."""
    return "\n\n".join("\n\n".join(_about(name, component, kind)) for name, component in REGISTRIES[kind].items())


def metrics() -> str:
    """Direction and claims of each metric, beside its first line and options."""
    rows = ["| name | better | claims to see | what it is | options |", "|---|---|---|---|---|"]
    # Of the table of all kinds, the part that a row of this one ends with.
    ends = [row.partition("` | ")[2] for row in table("metrics").splitlines()[2:]]
    for (name, metric), end in zip(METRICS.items(), ends, strict=True):
        rows.append(f"| `{name}` | {BETTER[metric.direction]} | {', '.join(sorted(metric.sees)) or '–'} | {end}")
    return "\n".join(rows)


def protocols() -> str:
    """Each protocol in words, and what it says about each data set."""
    parts = []
    for name, protocol in PROTOCOLS.items():
        rows = ["| data | samples | a good sample | metrics |", "|---|---|---|---|"]
        for data, case in protocol().cases().items():
            fixed = ", ".join(f"{option}={value}" for option, value in case.data.items())
            numbers = ", ".join(f"`{metric}`" for metric in case.metrics)
            several = f"{numbers} " if len(case.metrics) < 10 else f"{len(case.metrics)} of them "
            rows.append(f"| {data}{f' ({fixed})' if fixed else ''} | {case.samples:,} | {_words(case)} | {several}|")
        parts += [*_about(name, protocol, "protocols"), "\n".join(rows)]
    return "\n\n".join(parts)


BLOCKS: Mapping[str, Callable[[], str]] = {
    **{kind: lambda kind=kind: table(kind) for kind in FOLDERS},  # type: ignore[misc]
    **{f"{kind}-in-full": lambda kind=kind: in_full(kind) for kind in FOLDERS},  # type: ignore[misc]
    "metrics": metrics,
    "protocols": protocols,
}


def pages() -> dict[Path, str]:
    """Every page with a block, as it should read."""
    texts = {page: page.read_text(encoding="utf-8") for page in sorted(DOCS.rglob("*.md"))}
    return {
        page: BLOCK.sub(lambda found: f"{found[1]}\n{BLOCKS[found[2]]()}\n\n{found[3]}", text)
        for page, text in texts.items()
        if BLOCK.search(text)
    }


def _about(name: str, component: type[Component], kind: str) -> Iterable[str]:
    source = f"ganbench/{FOLDERS[kind]}/{Path(inspect.getfile(component)).name}"
    yield f"### {name}"
    paragraphs = inspect.cleandoc(component.__doc__ or "").split("\n\n")
    yield from (_as_markdown(each) for each in paragraphs if not each.startswith(("Raises:", "Attributes:")))
    if issubclass(component, Loss) and (trains_with := list(_recipe(component))):
        yield f"Trains by default with {', '.join(trains_with)}."
    options = ", ".join(
        f"`{option}={_plain(value)}`" for option, value in component().to_spec().items() if option != "name"
    )
    yield f"{f'Options: {options}. ' if options else ''}Source: [{source}](../{source})."


def _recipe(loss: type[Loss]) -> Iterable[str]:
    yield from (f"the penalty `{penalty}`" for penalty in loss.penalties)
    yield from (f"the wrapper `{wrapper}`" for wrapper in loss.wrappers)
    for option, value in loss.recipe.items():
        yield f"`{option}={_plain(value)}`"


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _words(case: Case) -> str:
    rule = case.rule
    close = {"any": "any", "l2": f"within {rule.within:g} σ (L2)", "linf": f"within a box of ±{rule.within:g} σ (L∞)"}
    sure = f", the classifier ≥ {100 * rule.confidence:g} % sure" if rule.confidence else ""
    sure += ", plausible to the second network" if rule.plausibility else ""
    sure += f"; modes by `{case.classifier}`" if case.classifier else ""
    return close[rule.norm] + sure


def _as_markdown(text: str) -> str:
    """Docstrings aren't Markdown: their stars and underscores mean themselves, outside of code."""
    linked = re.sub(r"arXiv:(\d+\.\d+)", r"[arXiv:\1](https://arxiv.org/abs/\1)", text)
    code = re.split(r"(`[^`]*`)", linked)
    return "".join(part if number % 2 else re.sub(r"([*_])", r"\\\1", part) for number, part in enumerate(code))


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text, encoding="utf-8")
