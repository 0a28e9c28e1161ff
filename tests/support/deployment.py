"""The files of a deployment as the tools that carry them out would read them."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from runtime.settings import CONCERNS, PREFIX

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SCHEMAS = ROOT / "tests" / "deploy" / "schemas"
KNOWN = {PREFIX + name.upper(): field for c in CONCERNS for name, field in c.model_fields.items()}
_VARIABLE = re.compile(r"\$\{(\w+)(:\?|:-)?([^}]*)\}")


def composed(text: str, values: dict[str, str]) -> Any:
    """The file as compose reads it with these variables; ValueError names a required one.

    As there, variables are put in after YAML is read: a value is never taken for YAML itself.
    """

    def value(found: re.Match[str]) -> str:
        name, how, default = found.groups()
        if given := values.get(name):
            return given
        if how != ":-":
            raise ValueError(name)
        return default

    return _mapped(yaml.safe_load(text), lambda word: _VARIABLE.sub(value, word))


def _mapped(node: Any, change: Callable[[str], str]) -> Any:
    if isinstance(node, dict):
        return {key: _mapped(below, change) for key, below in node.items()}
    if isinstance(node, list):
        return [_mapped(below, change) for below in node]
    return change(node) if isinstance(node, str) else node


def variables(text: str) -> set[str]:
    """Every variable that the text asks for."""
    return {found[1] for found in _VARIABLE.finditer(text)}


def check_compose(document: Any) -> None:
    """Raise jsonschema.ValidationError unless this is what the Compose Specification allows."""
    schema = json.loads((SCHEMAS / "compose-spec" / "compose-spec.json").read_text())
    jsonschema.validate(document, schema)


class Kubernetes:
    """The kinds that we use, strictly as Kubernetes describes them."""

    def __init__(self) -> None:
        self._schema: dict[str, Any] = json.loads(
            (SCHEMAS / "kubernetes" / "v1.37.0.json").read_text()
        )
        self._kinds: dict[tuple[str, str], str] = {}
        for name in self._schema["$defs"]:
            words = name.split(".")
            if name.startswith("io.k8s.api."):
                group = "" if words[3] == "core" else words[3]
                self._kinds[group, f"{words[4]}/{words[5]}"] = name

    def check(self, document: Any) -> None:
        """Raise jsonschema.ValidationError for an unknown kind or field, or a wrong value."""
        group, _, version = str(document["apiVersion"]).rpartition("/")
        short = group.removesuffix(".k8s.io")
        name = self._kinds.get((short, f"{version}/{document['kind']}"))
        if name is None:
            raise jsonschema.ValidationError(f"{group}/{version} {document['kind']} is unknown")
        schema = {**self._schema, "$ref": f"#/$defs/{name}"}
        if error := best_match(Draft202012Validator(schema).iter_errors(document)):
            raise error


def documents(file: Path) -> list[dict[str, Any]]:
    """Every document of a YAML file."""
    return [document for document in yaml.safe_load_all(file.read_text()) if document]
