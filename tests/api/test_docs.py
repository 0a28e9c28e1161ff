"""The API's own description, for people and programs, from files that lie here."""

import hashlib
import re

import httpx2
import pytest

from api.docs import STATIC, address

VENDORED = STATIC / "swagger-ui"


def test_the_vendored_files_are_the_ones_we_listed() -> None:
    """Each is listed with its hash, none is there without being listed."""
    lines = [line.split("  ", 1) for line in (VENDORED / "SHA256SUMS").read_text().splitlines()]
    listed = {name: digest for digest, name in lines}
    there = {file.name for file in VENDORED.iterdir()} - {"SHA256SUMS"}
    assert set(listed) == there
    for name, digest in listed.items():
        assert hashlib.sha256((VENDORED / name).read_bytes()).hexdigest() == digest, name
    assert {"LICENSE", "NOTICE"} <= there


async def test_the_page_asks_nobody_else(client: httpx2.AsyncClient) -> None:
    """Every address on it is ours and answers; its policy allows no inline code or style."""
    page = await client.get("http://innkeeper.test/docs")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script>|<style|style=|\son\w+=", page.text)
    named = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert len(named) == 5
    for path in named:
        answer = await client.get(f"http://innkeeper.test{path}")
        assert answer.status_code == 200, path
    assert "://" not in page.text


@pytest.mark.parametrize("name", ["swagger-ui/swagger-ui-bundle.js", "docs.js"])
async def test_its_files_are_kept_for_ever(client: httpx2.AsyncClient, name: str) -> None:
    """The address names what is in them, so a new set is asked for anew."""
    answer = await client.get(f"http://innkeeper.test{address()}/{name}")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_description_is_whole(client: httpx2.AsyncClient) -> None:
    """Every route of a tenant shows its permission, its key, its problems; writes their key."""
    told = (await client.get("/openapi.json")).json()
    assert told["openapi"].startswith("3.")
    assert "HTTPValidationError" not in told["components"]["schemas"]
    assert set(told["components"]["securitySchemes"]) == {"key", "publicKey"}
    for path, verbs in told["paths"].items():
        for verb, operation in verbs.items():
            problem = operation["responses"]["default"]["content"]["application/problem+json"]
            assert problem["schema"]["$ref"] == "#/components/schemas/Problem"
            if "/health" in path or "/payments/webhooks/" in path:
                continue  # of nobody, or of whoever signed
            assert operation["x-permission"], path
            assert {"key": []} in operation["security"], path
            named = {parameter["name"] for parameter in operation.get("parameters", ())}
            assert ("Idempotency-Key" in named) is (verb != "get"), path


async def test_a_problem_looks_as_described(client: httpx2.AsyncClient) -> None:
    """Every field that is promised, and no other."""
    told = (await client.get("/openapi.json")).json()["components"]["schemas"]["Problem"]
    problem = (await client.get("/invoices/nonsense")).json()
    assert set(problem) == set(told["properties"]) == set(told["required"])
    assert set(problem["errors"][0]) == set(told["properties"]["errors"]["items"]["properties"])
