"""Every step may be repeated after it succeeded; no table notices."""

import pytest

from tests.support.database import DatabaseUrls
from tests.support.twice import Case, cases, run_twice, steps

_ALL = [(name, case) for name, of_step in sorted(cases().items()) for case in of_step]


def test_no_step_is_forgotten() -> None:
    assert set(cases()) == steps()


@pytest.mark.parametrize(
    ("name", "case"), _ALL, ids=[f"{name}-{case.__name__}" for name, case in _ALL]
)
async def test_the_second_run_of_a_step_changes_nothing(
    database_urls: DatabaseUrls, name: str, case: Case
) -> None:
    await run_twice(database_urls, case)
