"""Everything that this plug-in registers passes ganbench's checks."""

import pytest

from ganbench.checks import run_checks
from ganbench.checks.plugin import components_of


@pytest.mark.parametrize(("kind", "name"), components_of("ganbench_margin"))
def test_check(kind: str, name: str) -> None:
    assert [finding for finding in run_checks(kind, name) if finding.problem] == []
