"""Reads over HTTP: a page of invoices by the API, beside a bare FastAPI route with one query."""

import asyncio
import time
from collections.abc import Mapping
from statistics import median
from typing import Any

import httpx2

from benchmarks.figure import Figure
from benchmarks.house import BilledHouse, a_billed_house
from benchmarks.part import a_process
from benchmarks.settings import settings_of
from models.vault import new_keyset
from runtime.embedded.ports import any_free_port

INVOICES = 1_000
REQUESTS = 600
IN_FLIGHT = 8
ROUNDS = 5


async def measure() -> dict[str, Figure]:
    """The figure of `api`: rounds by turns, each server a process of its own."""
    async with a_billed_house(INVOICES) as house:
        ports = any_free_port(), any_free_port()
        ours, bare = (f"http://127.0.0.1:{port}" for port in ports)
        api = a_process(
            ("cli.main", "api"), settings_of(house, ports[0], new_keyset()), f"{ours}/health/live"
        )
        peer = a_process(
            ("benchmarks.bare_api",), _bare_settings(house, ports[1]), f"{bare}/health/live"
        )
        key = {"Authorization": f"Bearer {house.tenant.api_key}"}
        async with api, peer:
            await _must_agree((f"{ours}/api/v1/invoices", key), (f"{bare}/invoices", {}))
            await _rate(f"{ours}/api/v1/invoices?limit=50", key)
            await _rate(f"{bare}/invoices?limit=50", {})
            rounds = [
                (
                    await _rate(f"{ours}/api/v1/invoices?limit=50", key),
                    await _rate(f"{bare}/invoices?limit=50", {}),
                )
                for _ in range(ROUNDS)
            ]
    mine, theirs = (median(rates) for rates in zip(*rounds, strict=True))
    return {
        "api.ratio_to_bare": Figure(
            mine / theirs,
            "of bare",
            1 / 2,
            f"GET /invoices, 50 of {INVOICES:,}, with key, permission, pages and filters:"
            f" {mine:,.0f}/s; a bare FastAPI route that answers the same by one query:"
            f" {theirs:,.0f}/s",
        )
    }


async def _must_agree(
    ours: tuple[str, Mapping[str, str]], bare: tuple[str, Mapping[str, str]]
) -> None:
    """Both answer the same invoices in the same words, or there is nothing to compare."""
    answers: list[Any] = []
    for url, headers in (ours, bare):
        async with httpx2.AsyncClient(headers=headers, trust_env=False) as web:
            answer = await web.get(f"{url}?limit=50")
            answer.raise_for_status()
            answers.append(answer.json()["items"])
    if answers[0] != answers[1]:
        raise RuntimeError("the bare route answers something else")


async def _rate(url: str, headers: Mapping[str, str]) -> float:
    """Requests a second, eight in flight."""
    gate = asyncio.Semaphore(IN_FLIGHT)
    async with httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as web:

        async def ask() -> None:
            async with gate:
                answer = await web.get(url)
            answer.raise_for_status()

        began = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(REQUESTS)))
        return REQUESTS / (time.perf_counter() - began)


def _bare_settings(house: BilledHouse, port: int) -> dict[str, str]:
    return {
        "BARE_DSN": house.dsn("inn_app"),
        "BARE_TENANT": str(house.tenant.tenant_id),
        "BARE_PORT": str(port),
    }
