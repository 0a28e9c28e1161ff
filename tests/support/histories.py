"""Recorded histories: kept without machines and people, replayed by tests/replay."""

import json
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

HISTORIES = Path(__file__).parents[1] / "replay" / "histories"
# Whose machine it was and where it failed says nothing about the life.
_SCRUBBED = frozenset({"identity", "stackTrace", "stickyAttributes"})


def keep(name: str, history: WorkflowHistory) -> None:
    """Write the history as `name`.json, scrubbed."""
    HISTORIES.mkdir(exist_ok=True)
    told = {"workflowId": history.workflow_id, "history": _scrubbed(history.to_json_dict())}
    (HISTORIES / f"{name}.json").write_text(json.dumps(told, indent=1) + "\n")


def kept(file: Path) -> WorkflowHistory:
    """A history that was kept."""
    told = json.loads(file.read_text())
    return WorkflowHistory.from_json(told["workflowId"], told["history"])


def words_of(file: Path) -> str:
    """Everything that is said in a kept history, payloads opened."""
    text = file.read_text()
    payloads = re.findall(r'"data": "([A-Za-z0-9+/=]+)"', text)
    return "\n".join([text, *(b64decode(payload).decode() for payload in payloads)])


def _scrubbed(told: Any) -> Any:
    if isinstance(told, dict):
        return {
            name: _scrubbed(value)
            for name, value in told.items()  # pyright: ignore[reportUnknownVariableType]
            if name not in _SCRUBBED
        }
    if isinstance(told, list):
        return [_scrubbed(one) for one in told]  # pyright: ignore[reportUnknownVariableType]
    return told
