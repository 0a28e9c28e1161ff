"""The alarms ask for figures the house really tells."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from models.database import Database
from runtime.clock import SetClock
from runtime.metrics import Metrics
from tests.support.deployment import DEPLOY, documents
from workers.slow_figures import SlowFigures

(GROUPS,) = documents(DEPLOY / "prometheus" / "alerts.yaml")
RULES = [rule for group in GROUPS["groups"] for rule in group["rules"]]


async def test_every_alarm_is_about_figures_the_house_tells(database: Database) -> None:
    metrics = Metrics(database, SetClock(datetime.now(UTC)))
    metrics.answered("GET", "/x", 500, 0.1)
    metrics.called("email", "send", "refused")
    await SlowFigures(database, timedelta(minutes=15)).turn()
    told = (await metrics.text()).decode()
    for rule in RULES:
        names = re.findall(r"\binnkeeper_\w+", rule["expr"])
        assert names, rule["alert"]
        for name in names:
            assert re.search(rf"^{name}[ {{]", told, re.MULTILINE), name


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alarm_says_how_bad_it_is_and_what_is_wrong(rule: dict[str, object]) -> None:
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"] in ({"severity": "page"}, {"severity": "ticket"})
    assert set(rule["annotations"]) == {"summary"}  # pyright: ignore[reportArgumentType]
    page = (DEPLOY.parent / "docs" / "operations.md").read_text()
    assert f"`{rule['alert']}`" in page
