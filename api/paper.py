"""Documents over HTTP: as a page for a browser, and as a PDF to keep."""

from fastapi import Response
from fastapi.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from domain.paper import CreditNotePaper, InvoicePaper, ReceiptPaper, file_name
from providers.documents import Press
from templates import document, policy


def shown(paper: InvoicePaper | CreditNotePaper | ReceiptPaper, language: str) -> HTMLResponse:
    """The document as a page that prints on A4."""
    return HTMLResponse(document(paper, language), headers={"Content-Security-Policy": policy()})


class Printed(Response):
    """The same page as PDF, named by its number; 503 where nothing can print.

    It is printed while it is sent: the request's transaction has ended by then.
    """

    media_type = "application/pdf"

    def __init__(
        self,
        press: Press,
        paper: InvoicePaper | CreditNotePaper | ReceiptPaper,
        language: str,
        status_code: int = 200,  # by its default FastAPI describes the answer
    ) -> None:
        super().__init__(status_code=status_code)
        self._press = press
        self._html = document(paper, language)
        self._name = file_name(paper.number)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Print, then answer; what the press refuses is answered as a problem."""
        answer = Response(
            await self._press.pdf(self._html),
            media_type=self.media_type,
            headers={"Content-Disposition": f'inline; filename="{self._name}"'},
        )
        await answer(scope, receive, send)
