"""Everything that this plug-in registers holds to ganbench's contract."""

import pytest

from ganbench.checks import examine
from ganbench.checks.plugin import components_of


@pytest.mark.parametrize(("kind", "name"), components_of("ganbench_margin"))
def test_contract(kind: str, name: str) -> None:
    assert [finding for finding in examine(kind, name) if finding.broken] == []
