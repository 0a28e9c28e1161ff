"""`GET /docs`: the OpenAPI document for people, from vendored files, nothing from elsewhere."""

import hashlib
from pathlib import Path

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
FOREVER = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


class Immutable(StaticFiles):
    """Files that never change under one address, because the address names what is in them."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, to be kept for ever."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = FOREVER
        return response


def address() -> str:
    """Where the files lie: a new set has a new address."""
    told = (STATIC / "swagger-ui" / "SHA256SUMS").read_bytes() + (STATIC / "docs.js").read_bytes()
    return f"/static/{hashlib.sha256(told).hexdigest()[:16]}"


def mount(app: FastAPI) -> None:
    """Serve the page and its files."""
    app.include_router(router)
    app.mount(address(), Immutable(directory=STATIC))


@router.get("/docs")
async def docs() -> HTMLResponse:
    """Every route, tried out from the browser with a key of one's own."""
    return HTMLResponse(PAGE, headers={"Content-Security-Policy": POLICY})


PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API · Innkeeper</title>
<link rel="stylesheet" href="{address()}/swagger-ui/swagger-ui.css">
<link rel="icon" type="image/png" href="{address()}/swagger-ui/favicon-32x32.png">
<script src="{address()}/swagger-ui/swagger-ui-bundle.js" defer></script>
<script src="{address()}/docs.js" defer></script>
</head>
<body>
<div id="docs"></div>
<noscript><p>This page needs JavaScript. The same as a file:
<a href="/api/v1/openapi.json">openapi.json</a>.</p></noscript>
</body>
</html>
"""
