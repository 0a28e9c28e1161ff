"""The property tests of the rules: the same examples every day, ten times as many in a soak."""

import os

from hypothesis import HealthCheck, settings

SOAK = os.environ.get("INNKEEPER_SOAK") == "1"

settings.register_profile(
    "innkeeper",
    max_examples=1000 if SOAK else 100,
    deadline=None,
    derandomize=not SOAK,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("innkeeper")
