"""Imports go downward only, and the outside world comes in where it may: the contracts hold."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINTER = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The contracts of pyproject.toml over a tree, as `lint-imports` checks them."""
    return subprocess.run(
        [sys.executable, "-c", LINTER, "--no-cache", *words],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": ""},
        capture_output=True,
        check=False,
        text=True,
    )


def test_every_contract_is_kept() -> None:
    """Those of ARCHITECTURE, none left out."""
    told = lint(ROOT)
    assert told.returncode == 0, told.stdout + told.stderr
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert f"Contracts: {len(contracts['contracts'])} kept, 0 broken." in told.stdout


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("domain/money.py", "import models.plan", "Layers look only downward"),
        ("domain/money.py", "import sqlalchemy", "The domain knows nothing of the outside world"),
        ("workflows/repair.py", "import models.plan", "Workflows touch the world only through"),
        ("api/start.py", "import activities.repair", "Routers start, wake and read lives"),
        ("api/start.py", "import twilio", "Vendors and HTTP clients live in providers alone"),
        ("sandbox/clock.py", "import models.plan", "The sandbox stands alone"),
        ("workers/main.py", "import sandbox.app", "Only the command line starts the sandbox"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(
    tmp_path: Path, module: str, line: str, broken: str
) -> None:
    """A contract that cannot be broken would hold nothing."""
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    for floor in named["root_packages"]:
        _copy(ROOT / floor, tmp_path / floor)
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    with (tmp_path / module).open("a") as file:
        file.write(f"\n{line}\n")
    told = lint(tmp_path)
    assert told.returncode == 1, told.stdout + told.stderr
    verdicts = [row for row in told.stdout.splitlines() if row.endswith("BROKEN")]
    assert any(verdict.startswith(broken) for verdict in verdicts)


def _copy(source: Path, target: Path) -> None:
    """The modules of a floor, nothing else of it."""
    for file in source.rglob("*.py"):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
