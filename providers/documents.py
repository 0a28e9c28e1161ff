"""The port to what prints documents."""

from typing import Protocol

from domain.errors import Unavailable


class CannotPrint(Unavailable):
    """No PDF can be made now; everything else works. `detail` says what is missing."""

    code = "PDF_UNAVAILABLE"


class Press(Protocol):
    """Prints pages of HTML."""

    async def pdf(self, html: str) -> bytes:
        """The page on A4 as PDF/A-3, tagged, fonts embedded; the same page gives the same bytes.

        CannotPrint when this machine cannot, or the page took too long.
        """
        ...

    async def ready(self) -> str:
        """What prints here, in words; CannotPrint when nothing does."""
        ...

    async def close(self) -> None:
        """Stop; the next page starts anew."""
        ...
