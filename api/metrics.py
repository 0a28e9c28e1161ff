"""`GET /metrics`: what this process and the house tell Prometheus; not for the public."""

import hmac

from fastapi import APIRouter, Request, Response

from api.parts import Parts
from api.problem import problem
from runtime.metrics import CONTENT_TYPE, Metrics

router = APIRouter(include_in_schema=False)
LOOPBACK = frozenset({"127.0.0.1", "::1"})
# Whoever comes through a proxy is not this machine, whatever address the proxy has.
BROUGHT = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Figures over all tenants that name none, for whoever has the token or is this machine."""
    parts: Parts = request.app.state.parts
    if not _may_read(request, parts.metrics_token):
        return problem(request, 404, "there is nothing here")
    told: Metrics = request.app.state.metrics
    return Response(await told.text(), media_type=None, headers={"Content-Type": CONTENT_TYPE})


def _may_read(request: Request, token: str) -> bool:
    if token:
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {token}".encode())
    near = request.client is not None and request.client.host in LOOPBACK
    return near and not any(header in request.headers for header in BROUGHT)
