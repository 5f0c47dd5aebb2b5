"""Write docs/results.md, its pictures, README's sentences, and what the package knows of published differences."""

from __future__ import annotations

from experiments.results_page.designs import findings
from experiments.results_page.page import page
from experiments.results_page.published import differences, studied
from experiments.results_page.readme import readme
from experiments.results_page.study import ROOT, studies
from ganbench.results.claims.studied import write_studied

PAGE = ROOT / "docs" / "results.md"
README = ROOT / "README.md"


def main() -> None:
    found = [(study, findings(study, ROOT / "docs" / "images")) for study in studies()]
    compared = differences([study for study, _ in found])
    PAGE.write_text(page(found, compared), encoding="utf-8")
    write_studied(studied(compared))
    README.write_text(readme(README.read_text(encoding="utf-8"), found), encoding="utf-8")


if __name__ == "__main__":
    main()
