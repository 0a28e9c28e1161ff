"""The HTTP application: routers, problem documents, request ids, one transaction per request."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import BaseRoute

from api import docs, problem
from api.description import DescribedApp
from api.parts import Parts
from api.permission import EXTRA
from api.routers import OPEN, PUBLIC, TENANT
from api.security import BodyLimit, SecurityHeaders
from api.watch import Watch
from runtime.metrics import Metrics

BASE = "/api/v1"


def build(parts: Parts) -> FastAPI:
    """The application over its parts; a route without a declared permission fails here."""
    app = DescribedApp(
        title="Innkeeper",
        version="1",
        openapi_url=f"{BASE}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    furnish(app, parts)
    problem.install(app)
    for router in TENANT:
        _all_declared(router.routes)
        app.include_router(router, prefix=BASE)
    for router in PUBLIC:
        app.include_router(router, prefix=BASE)
    for router in OPEN:
        app.include_router(router)
    docs.mount(app)
    for layer in (BodyLimit, Watch, SecurityHeaders):  # the last one is the outermost
        app.add_middleware(layer)
    return app


def furnish(app: FastAPI, parts: Parts) -> None:
    """Give the application its parts, in place of those it had."""
    app.state.parts = parts
    app.state.leaving = False
    app.state.metrics = Metrics(parts.database, parts.clock)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    yield
    parts: Parts = app.state.parts
    await parts.press.close()
    await parts.gateways.close()
    await parts.database.close()


def _all_declared(routes: Sequence[BaseRoute]) -> None:
    for found in iter_route_contexts(routes):
        route = found.original_route
        if isinstance(route, APIRoute) and EXTRA not in (route.openapi_extra or {}):
            raise RuntimeError(f"{route.path} declares no permission")
