"""deploy/kubernetes: strictly what Kubernetes describes, and what the house promises of it."""

import re
import shutil
import subprocess
from typing import Any

import jsonschema
import pytest
import yaml

from cli.main import COMMANDS
from runtime.drain import CLOSING_SECONDS
from runtime.settings import Settings
from tests.support.deployment import DEPLOY, KNOWN, Kubernetes, documents

FOLDER = DEPLOY / "kubernetes"
PLAIN = sorted(
    file
    for file in FOLDER.rglob("*.yaml")
    if file.name not in {"kustomization.yaml", "podmonitor.yaml"}
)
OBJECTS = [document for file in PLAIN for document in documents(file)]
RUNNING = [found for found in OBJECTS if found["kind"] in {"Deployment", "Job"}]
HOUSE = [found for found in RUNNING if found["kind"] == "Deployment"]
KUBECTL = shutil.which("kubectl")
FOLDERS = (".", "bootstrap", "migrate", "doctor", "monitoring")


@pytest.fixture(scope="module")
def kubernetes() -> Kubernetes:
    return Kubernetes()


def named(found: dict[str, Any]) -> str:
    return f"{found['kind']}-{found['metadata']['name']}"


def pod(found: dict[str, Any]) -> dict[str, Any]:
    return found["spec"]["template"]["spec"]


def container(found: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod(found)["containers"]
    return only


def one(kind: str, name: str) -> dict[str, Any]:
    (found,) = [o for o in OBJECTS if (o["kind"], o["metadata"]["name"]) == (kind, name)]
    return found


def example(name: str) -> dict[str, str]:
    lines = (FOLDER / "secrets" / f"{name}.env.example").read_text().splitlines()
    return {line.partition("=")[0]: line.partition("=")[2] for line in lines}


@pytest.mark.parametrize("found", OBJECTS, ids=named)
def test_every_object_is_what_kubernetes_describes(
    kubernetes: Kubernetes, found: dict[str, Any]
) -> None:
    kubernetes.check(found)
    place = found["metadata"] if found["kind"] == "Namespace" else found["metadata"]["namespace"]
    assert "innkeeper" in str(place)


def test_an_unknown_field_or_kind_is_refused(kubernetes: Kubernetes) -> None:
    wrong = {**HOUSE[0], "spec": {**HOUSE[0]["spec"], "replica": 2}}
    with pytest.raises(jsonschema.ValidationError, match="replica"):
        kubernetes.check(wrong)
    with pytest.raises(jsonschema.ValidationError, match="CronTab is unknown"):
        kubernetes.check({"apiVersion": "v1", "kind": "CronTab"})


@pytest.mark.parametrize("found", RUNNING, ids=named)
def test_every_pod_is_restricted(found: dict[str, Any]) -> None:
    inside, only = pod(found), container(found)
    assert inside["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert inside["automountServiceAccountToken"] is False
    assert inside["enableServiceLinks"] is False
    assert "memory" in only["resources"]["limits"]
    assert set(only["resources"]["requests"]) == {"cpu", "memory"}
    assert [mount["mountPath"] for mount in only["volumeMounts"]] == ["/tmp"]  # noqa: S108
    assert "emptyDir" in inside["volumes"][0]


@pytest.mark.parametrize("found", RUNNING, ids=named)
def test_every_pod_runs_a_command_of_ours_with_settings_the_house_knows(
    found: dict[str, Any],
) -> None:
    only = container(found)
    assert only["args"][0] in COMMANDS
    assert only["image"] == "innkeeper"
    told = {entry["name"] for entry in only.get("env", [])}
    assert told <= set(KNOWN)


def told(found: dict[str, Any]) -> dict[str, str]:
    """Its environment, the secrets as their examples have them."""
    only, all_of_it = container(found), dict[str, str]()
    for source in only["envFrom"]:
        if "configMapRef" in source:
            all_of_it |= one("ConfigMap", source["configMapRef"]["name"])["data"]
        else:
            all_of_it |= example(source["secretRef"]["name"])
    return all_of_it | {entry["name"]: entry["value"] for entry in only.get("env", [])}


@pytest.mark.parametrize("found", HOUSE, ids=named)
def test_the_house_is_told_all_it_must_know_and_nothing_of_the_owner(
    found: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = told(found)
    assert set(environment) <= set(KNOWN)
    assert not {"INNKEEPER_OWNER_DATABASE_URL", "INNKEEPER_ADMIN_DATABASE_URL"} & set(environment)
    drawn = {
        "INNKEEPER_KEYSET": "{}",
        "INNKEEPER_BLIND_INDEX_KEY": "A" * 43 + "=",
        "INNKEEPER_METRICS_TOKEN": "t",
        "INNKEEPER_TWILIO_ACCOUNT_SID": "AC0",
        "INNKEEPER_TWILIO_AUTH_TOKEN": "t",
    }
    for name in KNOWN:
        monkeypatch.delenv(name, raising=False)
    for name, value in (environment | drawn).items():
        assert isinstance(value, str)
        monkeypatch.setenv(name, value)
    settings = Settings.load()
    port = container(found)["ports"][0]["containerPort"]
    assert port in (settings.api.api_port, settings.metrics.worker_port)
    assert settings.metrics.metrics_token is not None
    grace = pod(found)["terminationGracePeriodSeconds"]
    assert grace > settings.drain.drain_seconds + CLOSING_SECONDS
    assert settings.drain.linger_seconds < settings.drain.drain_seconds


def test_jobs_know_whom_they_need_and_no_secret_is_written_down() -> None:
    assert {"INNKEEPER_ADMIN_DATABASE_URL", "INNKEEPER_OWNER_DATABASE_URL"} <= set(
        told(one("Job", "bootstrap"))
    )
    assert "INNKEEPER_OWNER_DATABASE_URL" in told(one("Job", "migrate"))
    assert "INNKEEPER_ADMIN_DATABASE_URL" not in told(one("Job", "migrate"))
    required = {name for name, field in KNOWN.items() if field.is_required()}
    assert required - {"INNKEEPER_ADMIN_DATABASE_URL"} <= set(told(one("Job", "doctor")))
    for name in one("ConfigMap", "innkeeper")["data"]:
        assert "Secret" not in str(KNOWN[name].annotation), name
    for name in ("innkeeper", "innkeeper-owner", "innkeeper-admin"):
        for value in example(name).values():
            assert value == "" or ":PASSWORD@" in value
    assert [found for found in OBJECTS if found["kind"] == "Secret"] == []


@pytest.mark.parametrize("found", HOUSE, ids=named)
def test_the_house_is_asked_how_it_is_and_survives_a_node(found: dict[str, Any]) -> None:
    only, name = container(found), found["metadata"]["name"]
    for probe, path in (("startup", "live"), ("liveness", "live"), ("readiness", "ready")):
        asked = only[f"{probe}Probe"]["httpGet"]
        assert asked == {"path": f"/health/{path}", "port": only["ports"][0]["name"]}
    labels = found["spec"]["template"]["metadata"]["labels"]
    assert found["spec"]["selector"]["matchLabels"] == labels
    assert one("PodDisruptionBudget", name)["spec"]["selector"]["matchLabels"] == labels
    assert one("NetworkPolicy", name)["spec"]["podSelector"]["matchLabels"] == labels
    assert found["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_two_of_each_run_at_least() -> None:
    assert one("Deployment", "worker")["spec"]["replicas"] == 2
    scaler = one("HorizontalPodAutoscaler", "api")["spec"]
    assert scaler["minReplicas"] == 2
    assert "replicas" not in one("Deployment", "api")["spec"]  # the scaler's alone
    assert (
        one("Service", "api")["spec"]["selector"]
        == (one("Deployment", "api")["spec"]["selector"]["matchLabels"])
    )


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")
@pytest.mark.parametrize("folder", FOLDERS)
def test_kustomize_builds_every_folder_over_one_released_image(
    kubernetes: Kubernetes, folder: str
) -> None:
    assert KUBECTL is not None
    built = subprocess.run(
        [KUBECTL, "kustomize", FOLDER / folder], capture_output=True, text=True, check=True
    )
    assert built.stderr == ""
    objects = list(yaml.safe_load_all(built.stdout))
    assert objects
    for found in objects:
        if found["kind"] == "PodMonitor":
            continue
        kubernetes.check(found)
        if found["kind"] in {"Deployment", "Job"}:
            assert re.fullmatch(
                r"registry\.example\.com/innkeeper:\d+\.\d+\.\d+", container(found)["image"]
            )


def test_the_pod_monitor_reads_with_the_token_where_the_pods_listen() -> None:
    (monitor,) = documents(FOLDER / "monitoring" / "podmonitor.yaml")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    key = endpoint["authorization"]["credentials"]
    assert key["key"] in example(key["name"])
    for found in HOUSE:
        assert endpoint["port"] == container(found)["ports"][0]["name"]
