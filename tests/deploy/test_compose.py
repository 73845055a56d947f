"""docker-compose.yml is valid, safe by default, and hands each service what it needs alone."""

import copy
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from heyday.domain.durations import parse_duration
from heyday.settings import Settings, load_settings
from tests.deploy.composition import (
    FILE,
    HEYDAY,
    PASSWORDS,
    ROOT,
    WATCHED,
    Refused,
    compose,
    size,
)
from tests.program import check_words

Services = dict[str, dict[str, Any]]
# What cli/serve.py promises: stopping may take ten seconds in all.
STOPS_WITHIN = timedelta(seconds=10)
SERVERS = {"postgres", "rabbitmq", "redis", "pgadmin"}
WATCHERS = {"prometheus", "grafana"}


def test_every_part_of_a_company_is_there(services: Services) -> None:
    assert set(services) == {*HEYDAY, *SERVERS, *WATCHERS}
    images = {name: service["image"] for name, service in services.items()}
    assert images["postgres"].startswith("postgres:15.")
    assert re.fullmatch(r"rabbitmq:3\.13\.\d+-management", images["rabbitmq"])
    assert images["redis"].startswith("redis:7.")
    assert images["pgadmin"].startswith("dpage/pgadmin4:")
    assert images["prometheus"].startswith("prom/prometheus:v3.")
    assert images["grafana"].startswith("grafana/grafana:")


def test_who_does_not_ask_for_those_who_watch_has_nothing_of_them(tmp_path: Path) -> None:
    composed = compose(tmp_path, **PASSWORDS)
    assert set(composed["services"]) == {*HEYDAY, *SERVERS}
    assert set(composed["volumes"]) == {*SERVERS, "sends"}
    assert set(composed["networks"]) == {"data", "outside"}


def test_images_of_others_are_pinned_to_a_release(services: Services) -> None:
    others = [s["image"] for name, s in services.items() if name not in HEYDAY]
    assert [image for image in others if not re.search(r":v?\d+\.\d+", image)] == []


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("given", [None, ""])
def test_it_refuses_to_start_without_a_password(
    tmp_path: Path, password: str, given: str | None
) -> None:
    settings = {**PASSWORDS, password: given}
    with pytest.raises(Refused, match=rf"variable {password} .*: run make setup"):
        compose(tmp_path, **{name: value for name, value in settings.items() if value is not None})


def test_no_password_has_a_default() -> None:
    text = FILE.read_text("utf-8")
    uses = re.findall(r"\$\{(\w*(?:PASS|SECRET|TOKEN|KEY)\w*)([^}]*)\}", text)
    assert {name for name, _ in uses} == set(PASSWORDS)
    assert {rest for _, rest in uses} == {":?run make setup"}


def test_a_password_goes_to_those_who_need_it(tmp_path: Path) -> None:
    found = compose(tmp_path, **PASSWORDS, **WATCHED)["services"]
    holders = {
        name: {s for s, service in found.items() if value in json.dumps(service)}
        for name, value in PASSWORDS.items()
    }
    assert holders == {
        "DATABASE_PASSWORD": {*HEYDAY, "postgres"},
        "RABBITMQ_PASSWORD": {*HEYDAY, "rabbitmq"},
        "REDIS_PASSWORD": {*HEYDAY, "redis"},
        "PGADMIN_PASSWORD": {"pgadmin"},
        "GRAFANA_PASSWORD": {"grafana"},
    }


def test_no_password_is_an_argument(services: Services) -> None:
    # Every process of the machine can read the arguments of all others.
    arguments = json.dumps([service.get("command") for service in services.values()])
    assert [value for value in PASSWORDS.values() if value in arguments] == []


def test_every_service_that_stays_is_looked_at(services: Services) -> None:
    silent = {name for name, s in services.items() if not s.get("healthcheck", {}).get("test")}
    # The image brings the API's; the one-shot ends.
    assert silent == {"api", "migrate"}
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text("utf-8")
    assert services["migrate"]["healthcheck"] == {"disable": True}


def test_every_service_has_limits_and_is_restarted(services: Services) -> None:
    for service in services.values():
        assert service["cpus"] > 0
        assert int(service["mem_limit"]) >= 256 * 2**20
        assert service["logging"]["options"]["max-size"]
    restarts = {name: service["restart"] for name, service in services.items()}
    assert restarts.pop("migrate") == "no"
    assert set(restarts.values()) == {"unless-stopped"}


def test_only_what_a_person_looks_at_is_published_and_to_this_machine_alone(
    services: Services,
) -> None:
    published = {
        (name, port["host_ip"], port["published"], port["target"])
        for name, service in services.items()
        for port in service.get("ports", [])
    }
    assert published == {
        ("api", "127.0.0.1", "8000", 8000),
        ("rabbitmq", "127.0.0.1", "15672", 15672),
        ("pgadmin", "127.0.0.1", "5050", 80),
        ("grafana", "127.0.0.1", "3000", 3000),
    }


def test_data_are_kept_in_a_network_that_leads_nowhere(tmp_path: Path) -> None:
    composed = compose(tmp_path, **PASSWORDS, **WATCHED)
    inner = {name for name, network in composed["networks"].items() if network.get("internal")}
    assert inner == {"data", "figures"}
    members = {
        network: {name for name, s in composed["services"].items() if network in s["networks"]}
        for network in composed["networks"]
    }
    assert members["outside"] == {"api", "worker", "rabbitmq", "pgadmin", "grafana"}
    # Prometheus reads Heyday and leads nowhere; Grafana asks Prometheus and sees no data of ours.
    assert members["figures"] == WATCHERS
    assert members["data"] == {*HEYDAY, *SERVERS, "prometheus"}


def test_data_are_kept_in_volumes(services: Services) -> None:
    volumes = {
        (name, mount["source"])
        for name, service in services.items()
        for mount in service.get("volumes", [])
        if mount["type"] == "volume"
    }
    servers = {(name, name) for name in SERVERS | WATCHERS}
    assert volumes == servers | {(name, "sends") for name in HEYDAY}


def unkept(services: Services) -> list[str]:
    """Return the processes of Heyday whose ledger of sends goes with their container."""

    def is_kept(service: dict[str, Any]) -> bool:
        folder = service["environment"].get("HEYDAY_SENDS")
        mounts = {each["target"]: each for each in service.get("volumes", [])}
        return bool(folder) and mounts.get(folder, {}).get("source") == "sends"

    return [name for name in HEYDAY if not is_kept(services[name])]


def test_the_ledger_of_sends_outlives_a_container(services: Services) -> None:
    assert unkept(services) == []
    # Its user is the image's: Docker takes over whose the folder of the image is.
    folder = services["worker"]["environment"]["HEYDAY_SENDS"]
    made = f"install --directory --owner=10001 --group=10001 --mode=700 {folder}\n"
    assert made in (ROOT / "Dockerfile").read_text("utf-8")


@pytest.mark.parametrize("taken", ["volumes", "environment", "tmpfs"])
def test_a_ledger_that_is_not_kept_is_found(services: Services, taken: str) -> None:
    wrong = copy.deepcopy(services)
    if taken == "environment":
        del wrong["worker"]["environment"]["HEYDAY_SENDS"]
    elif taken == "tmpfs":
        wrong["worker"]["environment"]["HEYDAY_SENDS"] = "/tmp/sends"  # noqa: S108
    else:
        wrong["worker"]["volumes"] = []
    assert unkept(wrong) == ["worker"]


def test_files_that_are_handed_in_are_there_and_read_only() -> None:
    mounts = re.findall(r"- \./(\S+?):(\S+?):(\w+)", FILE.read_text("utf-8"))
    assert len(mounts) == 9
    # Docker makes a folder of what is not there.
    assert [source for source, _, _ in mounts if not (ROOT / source).exists()] == []
    assert {mode for _, _, mode in mounts} == {"ro"}


@pytest.mark.parametrize("name", [*HEYDAY, *sorted(WATCHERS)])
def test_what_needs_no_rights_has_none(services: Services, name: str) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - of the container
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("init", False) is (name in HEYDAY)
    assert "user" not in service, "the image has its own"


@pytest.mark.parametrize("name", HEYDAY)
def test_a_process_of_heyday_is_given_the_time_to_end(services: Services, name: str) -> None:
    assert parse_duration(services[name]["stop_grace_period"]) > STOPS_WITHIN


@pytest.mark.parametrize("name", HEYDAY)
def test_a_service_runs_a_command_that_heyday_has(services: Services, name: str) -> None:
    check_words(services[name]["command"], is_whole=True)


def test_heyday_waits_for_the_migration_and_for_nothing_else(services: Services) -> None:
    waits = {
        name: {on: each["condition"] for on, each in s.get("depends_on", {}).items()}
        for name, s in services.items()
    }
    assert waits.pop("migrate") == {"postgres": "service_healthy"}
    done = {"migrate": "service_completed_successfully"}
    assert waits == {n: done if n in HEYDAY else {} for n in services if n != "migrate"}


def take(monkeypatch: pytest.MonkeyPatch, folder: Path, environment: dict[str, str]) -> Settings:
    """Return the settings that a container with this environment has."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_heyday_takes_what_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = {"DATABASE_URL": "mysql://x", "HOST": "192.0.2.1", "PORT": "8001"}
    ours = {"EMAIL_SERVICE_URL": "https://mail.example.com/api", "HEYDAY_LOG_FORMAT": "json"}
    service = compose(tmp_path, **PASSWORDS, **theirs, **ours)["services"]["api"]
    settings = take(monkeypatch, tmp_path / "in", service["environment"])
    # Settings of .env hold, but for the addresses that the container gives.
    assert settings.database_url == "postgresql://heyday:d4t4b4s3@postgres:5432/heyday"
    assert (settings.host, settings.port) == ("0.0.0.0", 8000)  # noqa: S104 - of the container
    assert (settings.log_format, settings.sender_name) == ("json", "http")
    # Outside they say where the API is to be found.
    (port,) = service["ports"]
    assert (port["host_ip"], port["published"]) == ("192.0.2.1", "8001")


def test_brokers_are_where_heyday_is_told(services: Services) -> None:
    environment = services["worker"]["environment"]
    assert environment["RABBITMQ_URL"] == "amqp://heyday:r4bb1t@rabbitmq:5672/heyday"
    assert environment["REDIS_URL"] == "redis://:r3d1s@redis:6379/0"


def test_as_many_processes_fit_into_the_connections_as_the_page_says(services: Services) -> None:
    command = " ".join(services["postgres"]["command"])
    (most,) = re.findall(r"max_connections=(\d+)", command)
    # One more to listen; three are the superuser's.
    each = Settings.model_fields["pool_max"].default + 1
    assert (int(most) - 3) // each == 9
    assert "Up to nine processes" in (ROOT / "docs" / "docker.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("service", "file", "setting", "share"),
    [
        ("rabbitmq", "rabbitmq/rabbitmq.conf", r"total_memory_available_override_value = (\S+)", 1),
        ("redis", "redis/redis.conf", r"\nmaxmemory (\S+)", 0.5),
    ],
)
def test_a_server_knows_the_limit_of_its_container(
    services: Services, service: str, file: str, setting: str, share: float
) -> None:
    (said,) = re.findall(setting, (ROOT / "deploy" / file).read_text("utf-8"))
    assert size(said) == int(services[service]["mem_limit"]) * share
