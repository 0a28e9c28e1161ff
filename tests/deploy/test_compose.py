"""docker-compose.yml: what the specification allows, and what the house promises of it."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from dotenv import dotenv_values

from cli.main import COMMANDS
from cli.secrets import secrets
from runtime.drain import CLOSING_SECONDS
from runtime.settings import (
    CONCERNS,
    PREFIX,
    AdminSettings,
    Concern,
    DatabaseSettings,
    OwnerSettings,
    SandboxSettings,
    Settings,
    TemporalSettings,
)
from tests.support.deployment import DEPLOY, KNOWN, ROOT, check_compose, composed, variables

TEXT = (ROOT / "docker-compose.yml").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
OURS = {"bootstrap", "migrate", "api", "worker", "sandbox", "doctor"}
ONE_SHOT = {"temporal-schema", "bootstrap", "migrate", "doctor"}
SECRET = re.compile(r"PASSWORD|PWD|TOKEN|KEYSET|BLIND|_URL$")


@pytest.fixture
def values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    """`.env` as docs/operations.md has it made."""
    secrets()
    (tmp_path / ".env").write_text(EXAMPLE + capsys.readouterr().out)
    return {name: value or "" for name, value in dotenv_values(tmp_path / ".env").items()}


@pytest.fixture
def compose(values: dict[str, str]) -> dict[str, Any]:
    return composed(TEXT, values)


@pytest.fixture
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return compose["services"]


def seconds(duration: str) -> float:
    assert re.fullmatch(r"\d+s", duration), duration
    return float(duration[:-1])


def test_the_file_is_what_the_specification_allows(compose: dict[str, Any]) -> None:
    check_compose(compose)
    compose["services"]["api"]["helthcheck"] = {}
    with pytest.raises(jsonschema.ValidationError, match="helthcheck"):
        check_compose(compose)


def test_the_example_names_exactly_the_variables_asked_for() -> None:
    names = re.findall(r"^([A-Z_]+)=", EXAMPLE, re.MULTILINE)
    assert len(names) == len(set(names))
    assert set(names) == variables(TEXT)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"\$\{(\w+):\?\}", TEXT))))
def test_nothing_starts_while_a_required_variable_is_missing(
    values: dict[str, str], name: str
) -> None:
    with pytest.raises(ValueError, match=name):
        composed(TEXT, values | {name: ""})


def test_no_secret_is_written_down() -> None:
    raw: dict[str, Any] = yaml.safe_load(TEXT)["services"]
    told = {
        (service, name): str(value)
        for service, said in raw.items()
        for name, value in said.get("environment", {}).items()
        if SECRET.search(name)
    }
    assert len(told) > 20
    for place, value in told.items():
        password = re.search(r"://\w+:(.*)@", value)
        if password:
            assert password[1].startswith("${"), place
        else:
            assert value.startswith(("${", "http://")), place
    assert [
        line for line in EXAMPLE.splitlines() if re.match(r"\w*PASSWORD=.|\w*KEY\w*=.", line)
    ] == []


@pytest.mark.parametrize(
    ("service", "concerns"),
    [
        ("bootstrap", [AdminSettings, OwnerSettings, DatabaseSettings, TemporalSettings]),
        ("migrate", [OwnerSettings]),
        ("sandbox", [SandboxSettings]),
        ("doctor", [concern for concern in CONCERNS if concern is not AdminSettings]),
    ],
)
def test_the_short_ones_are_told_what_they_must_know(
    services: dict[str, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    concerns: list[type[Concern]],
) -> None:
    tell(monkeypatch, services[service]["environment"])
    for concern in concerns:
        concern.load()


@pytest.mark.parametrize("service", ["api", "worker"])
def test_api_and_worker_are_told_all_and_nothing_of_the_owner(
    services: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    told = services[service]["environment"]
    tell(monkeypatch, told)
    settings = Settings.load()
    assert settings.keys.keyset_json().startswith("{")
    assert len(settings.keys.blind_index_bytes()) == 32
    assert settings.metrics.metrics_token is not None
    assert not {"INNKEEPER_OWNER_DATABASE_URL", "INNKEEPER_ADMIN_DATABASE_URL"} & set(told)
    host, port = ("api_host", "api_port") if service == "api" else ("worker_host", "worker_port")
    concern = settings.api if service == "api" else settings.metrics
    assert (getattr(concern, host), f":{getattr(concern, port)}/") == (
        "0.0.0.0",  # noqa: S104
        probed(services, service),
    )


def probed(services: dict[str, dict[str, Any]], service: str) -> str:
    found = re.search(r"127\.0\.0\.1(:\d+/)health/ready", str(services[service]["healthcheck"]))
    assert found is not None
    return found[1]


def tell(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    for name in KNOWN:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))


def test_every_setting_told_is_one_the_house_knows(services: dict[str, dict[str, Any]]) -> None:
    told = {
        name
        for said in services.values()
        for name in said.get("environment", {})
        if name.startswith(PREFIX)
    }
    assert told <= set(KNOWN)
    assert {name for name, field in KNOWN.items() if field.is_required()} <= told


def test_every_image_has_a_version_and_ours_is_one_for_all(
    services: dict[str, dict[str, Any]],
) -> None:
    for name, service in services.items():
        image = service["image"]
        assert re.search(r":\d+(\.\d+)*$", image) or (name in OURS and image == "innkeeper:local")
    assert {services[name]["image"] for name in OURS} == {"innkeeper:local"}
    server, tools = services["temporal"]["image"], services["temporal-schema"]["image"]
    assert server.partition(":")[2] == tools.partition(":")[2]
    assert services["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]  # from 18 on


def test_our_own_parts_may_do_nothing_but_run(services: dict[str, dict[str, Any]]) -> None:
    assert {name for name, service in services.items() if "build" in service} == OURS
    for name in OURS:
        service = services[name]
        assert (*service.get("command", ()), *service.get("entrypoint", ())[-1:])[0] in COMMANDS
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not {"user", "privileged", "cap_add", "volumes"} & set(service)
    users = re.findall(r"^USER (\d+):(\d+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users == [("10001", "10001")]


def test_whoever_stays_up_is_asked_how_it_is(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        if name in ONE_SHOT:
            assert service["restart"] == "no" or service["restart"].startswith("on-failure")
            assert service.get("healthcheck", {"disable": True}) == {"disable": True}
        else:
            assert service["restart"] == "unless-stopped"
            assert service["healthcheck"]["test"][0] == "CMD"


def test_they_start_in_order(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
            assert how["condition"] == wanted, name
    chain = ["api", "migrate", "bootstrap", "temporal", "temporal-schema", "temporal-postgres"]
    for later, earlier in pairwise(chain):
        assert earlier in services[later]["depends_on"]


@pytest.mark.parametrize("service", ["api", "worker"])
def test_docker_waits_longer_than_a_drain_takes(
    services: dict[str, dict[str, Any]], service: str
) -> None:
    drain = float(services[service]["environment"]["INNKEEPER_DRAIN_SECONDS"])
    assert seconds(services[service]["stop_grace_period"]) > drain + CLOSING_SECONDS


def test_nothing_is_bound_to_the_outside_by_default(services: dict[str, dict[str, Any]]) -> None:
    ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert set(ports) == {"api", "temporal-ui", "sandbox"}
    assert all(port.startswith("127.0.0.1:") for bound in ports.values() for port in bound)


def test_temporal_is_told_to_be_fair(services: dict[str, dict[str, Any]]) -> None:
    told = yaml.safe_load((DEPLOY / "temporal" / "dynamic.yaml").read_text())
    assert told["matching.enableFairness"] == [{"value": True}]
    path = services["temporal"]["environment"]["DYNAMIC_CONFIG_FILE_PATH"]
    assert path.endswith("/dynamic.yaml")
    assert services["temporal"]["volumes"] == [
        f"./deploy/temporal:/etc/temporal/{Path(path).parent}:ro"
    ]
