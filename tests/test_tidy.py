"""The house is kept as it was laid out: small rooms, one name for one thing, nothing left lying."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
FLOORS = frozenset(
    {
        *("domain", "models", "providers", "templates", "activities", "workflows", "runtime"),
        *("api", "workers", "sandbox", "cli", "migrations", "benchmarks"),
    }
)
BESIDES = frozenset({"tests", "docs"})
LATER = frozenset({"deploy"})
FORBIDDEN = frozenset({"utils", "util", "helpers", "helper", "services", "common", "core", "misc"})
SUFFIXES = ("Manager", "Handler", "Service", "Helper", "Util", "Utils")
# What every life shares is no process of its own.
SHARED_BY_LIVES = frozenset({"__init__", "life", "options", "queues", "versions"})
VENDORED = ("api/static/swagger-ui/",)
# Put together here, so that this file does not hold what it looks for.
LEFT_FOR_LATER = re.compile(r"\b(?:" + "|".join(("TO" + "DO", "FIX" + "ME", "HA" + "CK")) + r")\b")
ELSEWHERE = re.compile(
    "|".join(
        (
            "py" + r"pi\.org",
            "python" + "hosted",
            "npm" + r"js\.(?:org|com)",
            r"https?://\S+/" + r"simple\b",
            r"(?<![\w.~-])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me)/\w",
        )
    ),
    re.IGNORECASE,
)


@cache
def files() -> tuple[Path, ...]:
    """Everything that belongs to the project, as git sees it, relative to its root."""
    told = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    names = (name for name in told.stdout.split("\0") if name)
    return tuple(sorted(Path(name) for name in names if (ROOT / name).is_file()))


def modules() -> tuple[Path, ...]:
    """Every module; the first migration is written by a program."""
    generated = "migrations/versions/"
    return tuple(
        path for path in files() if path.suffix == ".py" and not str(path).startswith(generated)
    )


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(), filename=str(path))


def texts() -> Iterator[tuple[Path, int, str]]:
    """Every line of ours that is text: file, number, line."""
    for path in files():
        if str(path).startswith(VENDORED) or path.suffix in {
            ".png",
            ".ico",
            ".woff2",
            ".ttf",
            ".json",
        }:
            continue
        text = (ROOT / path).read_text(errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            yield path, number, line


def processes() -> set[str]:
    """The lives and procedures, by their stem."""
    return {path.stem for path in (ROOT / "workflows").glob("*.py")} - SHARED_BY_LIVES


def test_every_file_is_short_enough_to_be_read() -> None:
    """At most 400 lines."""
    long = {str(path): (ROOT / path).read_text().count("\n") for path in modules()}
    assert {path: lines for path, lines in long.items() if lines > FILE_LINES_MAX} == {}


def test_every_function_fits_on_a_screen() -> None:
    """At most 50 lines."""
    long = [
        f"{path}:{node.lineno} {node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines"
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX
    ]
    assert long == []


def test_every_module_opens_with_what_it_promises() -> None:
    """A docstring, one sentence first."""
    silent = [str(path) for path in modules() if not (ast.get_docstring(tree(path)) or "").strip()]
    assert silent == []


def test_every_process_is_found_by_its_name_on_every_floor() -> None:
    """The same stem for its order, its steps and the test of its life."""
    assert processes() - {path.stem for path in (ROOT / "activities").glob("*.py")} == set()
    tested = {path.stem for path in (ROOT / "tests" / "workflows").glob("test_*.py")}
    assert processes() - {stem.removeprefix("test_") for stem in tested} == set()


def test_the_readme_maps_exactly_the_lives_there_are() -> None:
    """The table whose first column is `stem`."""
    lines = (ROOT / "README.md").read_text().splitlines()
    head = next(
        number for number, line in enumerate(lines) if re.match(r"\|\s*`?stem`?\s*\|", line)
    )
    mapped: list[str] = []
    for line in lines[head + 2 :]:
        if not line.startswith("|"):
            break
        mapped.append(line.split("|")[1].strip().strip("`"))
    assert sorted(mapped) == sorted(processes())


def test_the_folders_are_the_floors_and_no_others() -> None:
    """As ARCHITECTURE lays them out; hidden ones are for programs."""
    top = {path.parts[0] for path in files() if len(path.parts) > 1}
    seen = {name for name in top if not name.startswith(".")}
    assert (FLOORS | BESIDES) - seen == set()
    assert seen - FLOORS - BESIDES - LATER == set()


def test_nothing_is_called_by_a_name_that_says_nothing() -> None:
    """No folder or module of odds and ends, no class that only repeats that it does something."""
    odd = [str(path) for path in modules() if {*path.parent.parts, path.stem} & FORBIDDEN]
    classes = [
        f"{path}:{node.lineno} {node.name}"
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and node.name.endswith(SUFFIXES)
    ]
    assert odd + classes == []


def test_nothing_is_left_for_later_in_the_margin() -> None:
    """What is open is an issue, not a word in the code."""
    left = [f"{path}:{number}" for path, number, line in texts() if LEFT_FOR_LATER.search(line)]
    assert left == []


def test_no_file_names_a_package_index_or_somebodys_machine() -> None:
    """It is built wherever an index is, from whatever folder it lies in."""
    named = [
        f"{path}:{number}: {line.strip()[:80]}"
        for path, number, line in texts()
        if ELSEWHERE.search(line)
    ]
    assert named == []


def _marks(path: Path) -> Iterator[ast.expr]:
    """Every mention of skipping or expecting failure in a test."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and _is_excuse(node.func):
            yield node
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from (mark for mark in node.decorator_list if _is_excuse(mark))


def _is_excuse(node: ast.expr) -> bool:
    named = ast.unparse(node)
    return bool(re.fullmatch(r"pytest(?:\.mark)?\.(?:skip|skipif|xfail|importorskip)", named))


def test_no_test_is_left_out_without_a_reason() -> None:
    """Whoever skips one, or expects it to fail, says why."""
    without = [
        f"{path}:{mark.lineno}"
        for path in modules()
        if path.parts[0] == "tests"
        for mark in _marks(path)
        if not _says_why(mark)
    ]
    assert without == []


def _says_why(mark: ast.expr) -> bool:
    if not isinstance(mark, ast.Call):
        return False
    named = any(word.arg == "reason" for word in mark.keywords)
    return named or (ast.unparse(mark.func) == "pytest.skip" and bool(mark.args))
