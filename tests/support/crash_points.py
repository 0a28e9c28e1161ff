"""Every await of a module as a place where the process may die, found in its syntax tree.

A copy of the module is made in which each `await x` first asks its fate, before it begins and once
it is over; `async with` four times: before and after it is entered, before and after it is left.
What is added to the module later is a place to die without anybody listing it.
"""

import ast
import importlib.util
from collections.abc import Awaitable, Generator, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from inspect import getcoroutinelocals, iscoroutine
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import Any, TypeVar

from tests.support.dying import DiedError

Answer = TypeVar("Answer")
_AWAIT, _WITH = "_fate_of_await", "_fate_of_with"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """One moment of one await: `module:function:what:moment`."""

    module: str
    function: str
    what: str
    moment: str

    def __str__(self) -> str:
        return f"{self.module}:{self.function}: {self.moment} {self.what}"


@dataclass
class Fate:
    """Where the process dies, once; and everywhere it came by."""

    deadly: Place | None = None
    passed: dict[Place, None] = field(default_factory=dict[Place, None])
    asleep: bool = False

    @contextmanager
    def sleeps(self) -> Generator[None]:
        """Nobody dies in the block: it is how another story begins."""
        self.asleep = True
        try:
            yield
        finally:
            self.asleep = False

    def meets(self, place: Place) -> None:
        """The process comes by; DiedError when this is its end."""
        if self.asleep:
            return
        self.passed[place] = None
        if place == self.deadly:
            self.deadly = None
            raise DiedError

    async def awaited(
        self, module: str, function: str, what: str, awaitable: Awaitable[Answer]
    ) -> Answer:
        """Wait for it, unless the process dies before or after."""
        try:
            self.meets(Place(module, function, what, "before"))
        except DiedError:
            _dropped(awaitable)
            raise
        answer = await awaitable
        self.meets(Place(module, function, what, "after"))
        return answer

    def entered(
        self, module: str, function: str, what: str, manager: AbstractAsyncContextManager[Any]
    ) -> "_Mortal":
        """Enter it and leave it, unless the process dies before or after."""
        return _Mortal(self, (module, function, what), manager)


@dataclass
class _Mortal:
    """A context in which the process may die at its edges."""

    fate: Fate
    names: tuple[str, str, str]
    manager: AbstractAsyncContextManager[Any]

    async def __aenter__(self) -> Any:
        self.fate.meets(Place(*self.names, "before entering"))
        entered = await self.manager.__aenter__()
        try:
            self.fate.meets(Place(*self.names, "after entering"))
        except DiedError as death:
            await self.manager.__aexit__(DiedError, death, None)
            raise
        return entered

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        if error is not None:
            return await self.manager.__aexit__(kind, error, trace)
        try:
            self.fate.meets(Place(*self.names, "before leaving"))
        except DiedError as death:
            await self.manager.__aexit__(DiedError, death, None)
            raise
        left = await self.manager.__aexit__(None, None, None)
        self.fate.meets(Place(*self.names, "after leaving"))
        return left


def _dropped(awaitable: object) -> None:
    """What was made to be awaited will never be, nor what it was handed."""
    if iscoroutine(awaitable):
        handed = list(getcoroutinelocals(awaitable).values())
        awaitable.close()
        for one in handed:
            _dropped(one)


def mortal(name: str, fate: Fate, known: Mapping[str, Any] | None = None) -> ModuleType:
    """A copy of the module that asks `fate`; `known` replaces what it imports."""
    module = ModuleType(name)
    module.__dict__.update({_AWAIT: fate.awaited, _WITH: fate.entered})
    exec(_marked(name), module.__dict__)  # noqa: S102 (our own module)
    module.__dict__.update(known or {})
    return module


@cache
def _marked(name: str) -> CodeType:
    tree = ast.fix_missing_locations(_Marking(name.rsplit(".", 1)[-1]).visit(_tree_of(name)))
    return compile(tree, _file_of(name), "exec")


def places_of(name: str) -> set[Place]:
    """Every place to die in the module."""
    marking = _Marking(name.rsplit(".", 1)[-1])
    marking.visit(_tree_of(name))
    return set(marking.places())


def _tree_of(name: str) -> ast.Module:
    return ast.parse(Path(_file_of(name)).read_text())


def _file_of(name: str) -> str:
    spec = importlib.util.find_spec(name)
    assert spec is not None, name
    assert spec.origin is not None, name
    return spec.origin


class _Marking(ast.NodeTransformer):
    """Asks fate at every await; what is awaited in another way is not known here."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._within: list[str] = []
        self._seen: dict[tuple[str, str, bool], int] = {}

    def places(self) -> Iterator[Place]:
        """All of them, once the tree was visited."""
        for (function, what, is_with), times in self._seen.items():
            moments = ("entering", "leaving") if is_with else ("",)
            for number in range(1, times + 1):
                named = what if number == 1 else f"{what} #{number}"
                for moment in moments:
                    for side in ("before", "after"):
                        yield Place(self._module, function, named, f"{side} {moment}".strip())

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Names of methods say their class."""
        return self._inside(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """A function within another says so."""
        return self._inside(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        """The functions that await."""
        return self._inside(node)

    def visit_Await(self, node: ast.Await) -> ast.AST:
        """`await x` is `await fate(x)`."""
        names = self._names(ast.unparse(node.value), is_with=False)
        self.generic_visit(node)
        node.value = _asked(_AWAIT, names, node.value)
        return node

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST:
        """`async with x` is `async with fate(x)`."""
        for item in node.items:
            names = self._names(ast.unparse(item.context_expr), is_with=True)
            item.context_expr = _asked(_WITH, names, item.context_expr)
        self.generic_visit(node)
        return node

    def visit_AsyncFor(self, node: ast.AsyncFor) -> ast.AST:
        """Not known here."""
        raise NotImplementedError(f"{self._module}: async for in line {node.lineno}")

    def _inside(self, node: Any) -> ast.AST:
        self._within.append(node.name)
        self.generic_visit(node)
        self._within.pop()
        return node

    def _names(self, what: str, *, is_with: bool) -> tuple[str, str, str]:
        function = ".".join(self._within)
        what = what.split("\n", 1)[0][:70]
        times = self._seen[function, what, is_with] = (
            self._seen.get((function, what, is_with), 0) + 1
        )
        return self._module, function, what if times == 1 else f"{what} #{times}"


def _asked(fate: str, names: tuple[str, str, str], value: ast.expr) -> ast.expr:
    words = [ast.Constant(name) for name in names]
    return ast.Call(ast.Name(fate, ast.Load()), [*words, value], [])
