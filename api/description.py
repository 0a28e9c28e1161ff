"""The OpenAPI document: what FastAPI sees of the routes, and what holds for all of them."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.permission import EXTRA, Permission
from api.problem import MEDIA_TYPE

METHODS = ("get", "post", "put", "patch", "delete")
INTRODUCTION = """\
Send a key as `Authorization: Bearer sk_…`. Money is `{"amount": "9500.00", "currency": "INR"}`,
instants are RFC 3339, days `YYYY-MM-DD`. Lists take `limit`, `cursor` and `sort`. A POST, PUT,
PATCH or DELETE with an `Idempotency-Key` has one effect and one answer, however often it is sent.
"""
SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "A secret key, `sk_…`."},
    "publicKey": {"type": "apiKey", "in": "header", "name": "X-Tenant-Key"},
}
WORD = {"type": "string"}
FIELD = {
    "type": "object",
    "properties": {"field": WORD, "code": WORD, "message": WORD},
    "required": ["field", "code", "message"],
}
PROBLEM = {
    "type": "object",
    "title": "Problem",
    "description": "What went wrong (RFC 9457). `code` is stable, `detail` is for people.",
    "properties": {
        "type": WORD,
        "title": WORD,
        "status": {"type": "integer"},
        "detail": WORD,
        "code": WORD,
        "instance": WORD,
        "requestId": WORD,
        "errors": {"type": "array", "items": FIELD},
    },
    "required": ["type", "title", "status", "detail", "code", "instance", "requestId", "errors"],
}
ANY_PROBLEM = {
    "description": "A problem",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
ONCE = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same body has one effect and one answer, for 30 days.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


class DescribedApp(FastAPI):
    """An application whose OpenAPI document tells of keys, problems and Idempotency-Key too."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if not self.openapi_schema:
            self.openapi_schema = _completed(
                get_openapi(
                    title=self.title,
                    version=self.version,
                    description=INTRODUCTION,
                    routes=self.routes,
                )
            )
        return self.openapi_schema


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    components["securitySchemes"] = SCHEMES
    for path in document["paths"].values():
        for method in METHODS:
            if method in path:
                _complete(path[method], method)
    return document


def _complete(operation: dict[str, Any], method: str) -> None:
    operation["responses"].pop("422", None)
    operation["responses"]["default"] = ANY_PROBLEM
    if EXTRA not in operation:
        return
    storefront = operation[EXTRA] == Permission.STOREFRONT
    operation["security"] = [{"publicKey": []}, {"key": []}] if storefront else [{"key": []}]
    if method != "get":
        operation.setdefault("parameters", []).append(ONCE)
