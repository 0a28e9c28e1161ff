"""The pay page in a real browser: every state, on a phone and at a desk, by day and by night."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import pytest
from axe_playwright_python.async_playwright import Axe
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse
from playwright.async_api import Page, Route, ViewportSize, expect

from api import pay_page
from api.app import build
from api.parts import Links, Parts
from models.database import Database
from runtime.clock import SetClock
from templates import picture
from tests.support.accounts import STATES
from tests.support.browser import CHROMIUM, NO_CHROMIUM, a_browser, served
from tests.support.papers import inr
from tests.support.soak import SOAK
from tests.support.web import NOON, a_vault

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
PHONE = ViewportSize(width=360, height=740)
DESK = ViewportSize(width=1280, height=900)
TOO_SMALL = """() => [...document.querySelectorAll("a, button, summary, .option, .field input")]
  .filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 44)
  .map(e => e.outerHTML.slice(0, 80))"""
SIDEWAYS = "() => document.scrollingElement.scrollWidth - window.innerWidth"
FIRST_LOAD = 100_000
# The pages that wait ask again by themselves, for five minutes and with a button beside: what they
# wait for is a bank, and no script may run here that could ask more gently.
WAIT = {"waiting", "preparing", "scan"}


def app_of() -> FastAPI:
    """The application, with each state of the page at an address of its own."""
    nowhere = "postgresql://inn_app:x@127.0.0.1:1/nothing"
    app = build(Parts(Database(nowhere, nowhere), a_vault(), SetClock(NOON), Links()))
    router = APIRouter()

    @router.get("/states/{state}")
    async def state_of(state: str, request: Request) -> HTMLResponse:
        shown = STATES[state]
        return pay_page.shown(request, "A" * 43, shown.account, choice=shown.choice)

    app.include_router(router)
    return app


@dataclass(frozen=True, slots=True)
class Window:
    """A browser before the served states; `told` is what went wrong in it so far."""

    page: Page
    address: str
    told: list[str]

    async def show(self, state: str, language: str) -> None:
        """The page in that state; every word on the console and every foreign request is told."""
        query = f"{STATES[state].query}&lang={language}"
        answer = await self.page.goto(f"{self.address}/states/{state}?{query}")
        assert answer is not None
        assert answer.status == 200
        assert len(await answer.body()) < FIRST_LOAD
        for folded in await self.page.locator("details").all():
            await folded.evaluate("each => each.open = true")

    async def look(self, size: ViewportSize, theme: Theme, rules: dict[str, object]) -> None:
        """The same page on that screen; what a person could not use is told."""
        await self.page.set_viewport_size(size)
        await self.page.emulate_media(color_scheme=theme)
        found = await Axe().run(self.page, options={"rules": rules})
        if found.violations_count:
            self.told.append(found.generate_report())
        if await self.page.evaluate(SIDEWAYS) > 0:
            self.told.append("it scrolls sideways")
        self.told.extend(await self.page.evaluate(TOO_SMALL))


@pytest.fixture
async def window() -> AsyncGenerator[Window]:
    told: list[str] = []
    async with served(app_of()) as address, a_browser() as browser:
        page = await browser.new_page()
        await page.route("**/qr.svg*", _drawn)
        page.on("console", lambda said: told.append(said.text))
        page.on("request", lambda asked: told.extend(foreign(asked.url, address)))
        yield Window(page, address, told)


async def _drawn(route: Route) -> None:
    """The code of the house's own UPI id; which one it is, its own test knows."""
    drawn = picture("upi://pay?pa=sunrise@okbank", inr("1420.00"), "en")
    await route.fulfill(body=drawn, content_type="image/svg+xml")


def foreign(url: str, address: str) -> list[str]:
    return [] if url.startswith((address, "data:")) else [f"asks {url}"]


def looks_at(language: str) -> Sequence[tuple[ViewportSize, Theme]]:
    """Every size in every theme; outside a soak each once, paired anew in the other language."""
    if SOAK:
        return list(product((PHONE, DESK), THEMES))
    return list(zip((PHONE, DESK), THEMES if language == "en" else reversed(THEMES), strict=True))


@pytest.mark.timeout(400)
async def test_every_state_is_fit_to_use_in_both_languages_sizes_and_themes(
    window: Window,
) -> None:
    """No finding of axe, nothing sideways, room for a thumb, and nobody else is asked."""
    for state in STATES:
        rules: dict[str, object] = {"meta-refresh": {"enabled": state not in WAIT}}
        for language in ("en", "hi"):
            await window.show(state, language)
            for size, theme in looks_at(language):
                await window.look(size, theme, rules)
            assert window.told == [], (state, language)


async def test_a_payer_without_scripts_chooses_what_to_pay(window: Window) -> None:
    """What is unchecked is not sent, what was typed is; the way chosen goes along."""
    browser = window.page.context.browser
    assert browser is not None
    page = await (await browser.new_context(java_script_enabled=False)).new_page()
    await page.set_viewport_size(PHONE)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    await page.goto(f"{window.address}/states/due")
    await expect(page.get_by_role("button", name="Pay ₹11,395.00")).to_be_visible()
    chosen = page.locator("details")
    await chosen.locator("summary").click()
    await chosen.get_by_role("checkbox", name="Electricity").uncheck()
    await chosen.get_by_label("Another amount in INR").fill("5000")
    await chosen.get_by_role("radio", name="Scan a UPI code").check()
    await chosen.get_by_role("button", name="Pay what I chose").click()
    assert sent[-1].split("&") == [
        "invoices=00000000-0000-0000-0000-000000000001",
        "invoices=00000000-0000-0000-0000-000000000003",
        "amount=5000",
        "by=upi_qr",
    ]
