"""The house can be installed from its lock, and nothing locked stands in its rooms."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = (
    *("domain", "models", "providers", "templates", "activities", "workflows", "runtime"),
    *("api", "workers", "sandbox", "cli", "migrations", "benchmarks"),
)


@pytest.mark.parametrize("floor", [*FLOORS, "tests"])
def test_no_locked_distribution_owns_one_of_our_folders(floor: str) -> None:
    assert set(packages_distributions().get(floor, [])) <= {"innkeeper"}


def test_every_requirement_is_locked_by_hash_and_names_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    entries = re.split(r"\n(?=[a-z0-9])", lock[lock.index("\n") :])
    pinned = [entry for entry in entries if re.match(r"\s*[a-z0-9._-]+==", entry)]
    assert len(pinned) > 50
    assert [entry.split()[0] for entry in pinned if "--hash=sha256:" not in entry] == []
    assert re.findall(r"https?://|--(?:extra-)?index-url|--find-links", lock) == []
    assert not (ROOT / "uv.lock").exists()


def test_the_domain_knows_the_standard_library_only() -> None:
    strangers: list[str] = []
    for file in sorted((ROOT / "domain").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                named = [node.module or ""]
            roots = {name.partition(".")[0] for name in named} - sys.stdlib_module_names
            strangers += [f"{file.name}: {root}" for root in roots - {"domain"}]
    assert strangers == []
