"""Connections to one provider, and what it means when nothing comes back over them."""

import re
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from domain.errors import Unavailable, UnknownOutcome

# The request did not leave the house.
NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
BUSY_SECONDS, BUSY_SECONDS_MAX = 5, 600
WORDS_MAX = 200
_PERSONAL = re.compile(r"\S*@\S*|\+?\d[\d -]{5,}\d")


class Wire:
    """Opened at the first request, shared by all accounts, never a retry, no cookie kept."""

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout_seconds = timeout_seconds
        self._client: httpx2.AsyncClient | None = None

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | str | None = None,
        params: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> httpx2.Response:
        """One request and its whole answer; httpx2.TransportError when there is none."""
        if self._client is None:
            self._client = httpx2.AsyncClient(
                timeout=self._timeout_seconds,
                trust_env=False,
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        return await self._client.request(
            method, url, headers=headers, content=content, params=params, auth=auth
        )

    async def close(self) -> None:
        """Hang up; the next request connects anew."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


def lost(provider: str, error: Exception, *, changes: bool) -> Unavailable:
    """No answer came. `changes`: the request, had it arrived, would have changed something."""
    if isinstance(error, NEVER_SENT):
        return Unavailable(f"{provider} cannot be reached")
    return unreadable(f"{provider} gave no answer that could be read", changes=changes)


def unreadable(detail: str, *, changes: bool) -> Unavailable:
    """An answer that tells nothing."""
    return UnknownOutcome(detail) if changes else Unavailable(detail)


def patience(headers: Mapping[str, str]) -> int:
    """How many seconds the provider wants us to wait, within reason."""
    word = headers.get("retry-after", "")
    seconds = int(word) if word.isascii() and word.isdigit() else BUSY_SECONDS
    return min(max(seconds, 1), BUSY_SECONDS_MAX)


def spoken(words: str | None) -> str:
    """A provider's words without addresses and long numbers, short enough to stand in a task."""
    return _PERSONAL.sub("…", words or "")[:WORDS_MAX]
