"""Patience: how long a step may take and how it is tried again, named by what it touches.

Never tried again is decided by the error's class (`Refused`), not here.
"""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityConfig, LocalActivityConfig

_PATIENT = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=2,
    maximum_interval=timedelta(minutes=1),
)

# The database is waited for without end: no schedule-to-close.
DATABASE = ActivityConfig(start_to_close_timeout=timedelta(seconds=30), retry_policy=_PATIENT)
# A chunk whose worker died is taken up by another as soon as its heartbeat is missed.
CHUNK = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=2),
    heartbeat_timeout=timedelta(seconds=20),
    retry_policy=_PATIENT,
)
# A step acts for the instant it was planned at; after this long the life looks again instead.
STEP = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=30),
    schedule_to_close_timeout=timedelta(minutes=5),
    retry_policy=_PATIENT,
)
# The same for a step that calls a carrier, perhaps twice: each call has its own, shorter, limit.
MESSAGE = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=2),
    schedule_to_close_timeout=timedelta(minutes=10),
    retry_policy=_PATIENT,
)
# The same for a provider of payments: one call, and what it answered written down.
GATEWAY = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=1),
    schedule_to_close_timeout=timedelta(minutes=5),
    retry_policy=_PATIENT,
)
# A few tries beside the workflow task; after that the life asks by way of the server.
LOOK = LocalActivityConfig(
    schedule_to_close_timeout=timedelta(seconds=15),
    retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_attempts=4),
)
