"""The published schema of Stripe's API as a judge of what the sandbox answers."""

import json
import re
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

SHARED = next(
    (found for above in Path(__file__).parents if (found := above / "shared/contracts").is_dir()),
    Path("shared/contracts"),
)
SCHEMA = SHARED / "stripe-openapi-slim.json"
RECORDED = SHARED / "stripe-sdk-requests.json"


def nullable(schema: Any) -> Any:
    """OpenAPI's `nullable` in the words of JSON Schema; known values as the only ones."""
    if isinstance(schema, list):
        return [nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: nullable(inner) for name, inner in schema.items() if name != "nullable"}
    values = plain.pop("x-known-values", None)
    if isinstance(values, list) and plain.get("type") == "string" and "enum" not in plain:
        plain["enum"] = values
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


class StripeContract:
    """Holds an answer against what the route promises; names nobody knows are refused too."""

    def __init__(self) -> None:
        document = json.loads(SCHEMA.read_text())
        self._paths = document["paths"]
        self._schemas = document["components"]["schemas"]
        self._plain = {"components": nullable({"schemas": self._schemas})}

    def judge(self, method: str, path: str, status: int, body: Any) -> None:
        """One answer."""
        if path == "/v1/account":
            path = "/v1/accounts/{account}"  # the SDK's own alias
        operation = self._operation(method.lower(), path)
        answer = operation["responses"].get(str(status), operation["responses"]["default"])
        schema = answer["content"]["application/json"]["schema"]
        validator = Draft202012Validator({**nullable(schema), **self._plain})
        found = [
            f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(body)
        ]
        assert found == [], f"{method} {path}"
        self.known(body)

    def holds(self, body: dict[str, Any]) -> None:
        """One object, by its own schema."""
        schema = nullable(self._schemas[body["object"]])
        validator = Draft202012Validator({**schema, **self._plain})
        found = [
            f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(body)
        ]
        assert found == [], body["object"]

    def known(self, body: Any) -> None:
        """Every object has only names its schema has."""
        if isinstance(body, list):
            for inner in body:
                self.known(inner)
        if not isinstance(body, dict):
            return
        kind = body.get("object")
        schema = self._schemas.get(kind) if isinstance(kind, str) else None
        if schema is not None:
            assert set(body) <= set(schema["properties"]), kind
        for inner in body.values():
            self.known(inner)

    def _operation(self, method: str, path: str) -> dict[str, Any]:
        for template, item in self._paths.items():
            if path == template or re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
                return item[method]
        raise AssertionError(f"{path} is not of the contract")
