"""deploy/kubernetes renders, fits Kubernetes' schemas, and gives a process what Heyday needs.

Of the operators' own kinds (KEDA, CloudNativePG, RabbitMQ) no schema is at hand: what is checked of
them is what Heyday relies on, and no more.
"""

import copy
import json
import re
from datetime import timedelta
from typing import Any

import asyncpg
import kubernetes_validate
import pytest

from heyday.api.side_door import PATIENCE
from heyday.db import partitions
from heyday.settings import Settings
from tests.deploy.composition import ROOT
from tests.deploy.manifests import FOLDER, OVERLAYS, Manifest, Refused, Rendered, render, selects
from tests.program import check_words

SETTINGS = {str(field.alias) for field in Settings.model_fields.values()}
# What cli/serve.py promises: stopping may take ten seconds in all.
STOPS_WITHIN = timedelta(seconds=10)
# Kubernetes of these, oldest and newest.
VERSIONS = ("1.30", "1.34")
# A process opens this many and one more to listen; PostgreSQL keeps three for the superuser.
CONNECTIONS = Settings.model_fields["pool_max"].default + 1
RESERVED = 3
SENDS = "/var/lib/heyday/sends"
OPERATORS = {"Cluster", "RabbitmqCluster", "ScaledObject", "TriggerAuthentication"}


@pytest.fixture(scope="module", params=OVERLAYS)
def rendered(request: pytest.FixtureRequest) -> Rendered:
    return Rendered(request.param, render(FOLDER / request.param))


@pytest.fixture(scope="module")
def large() -> Rendered:
    return Rendered("large", render(FOLDER / "large"))


def validate(manifest: Manifest, version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_manifest_fits_its_schema(rendered: Rendered, version: str) -> None:
    ours = [each for each in rendered.manifests if each["kind"] not in OPERATORS]
    assert len(ours) >= 10
    for manifest in ours:
        validate(manifest, version)


def test_the_schemas_see_what_is_wrong(large: Rendered) -> None:
    wrong = copy.deepcopy(large.one("Deployment", "heyday-api"))
    wrong["spec"]["template"]["spec"]["terminationGracePeriod"] = 30
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(wrong, VERSIONS[0])


def test_a_folder_that_names_what_is_not_there_is_refused(tmp_path: Any) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: [nobody.yaml]\n", "utf-8")
    with pytest.raises(Refused, match=r"nobody\.yaml"):
        render(tmp_path)


def test_every_process_of_a_company_is_there(rendered: Rendered) -> None:
    names = {each["metadata"]["name"] for each in rendered.deployments}
    assert names == {"heyday-api", "heyday-scheduler", "heyday-worker"}
    assert {each["metadata"].get("namespace", "heyday") for each in rendered.manifests} == {
        "heyday"
    }


def test_a_container_runs_a_command_that_heyday_has(rendered: Rendered) -> None:
    for _, container in rendered.containers():
        check_words(container["args"], is_whole=True)
        assert "command" not in container, "the image has its own"


def test_no_process_has_rights(rendered: Rendered) -> None:
    (user,) = re.findall(r"^USER (\d+):\1$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    for pod, container in rendered.containers():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == int(user)
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
        assert mounts == {"tmp": "/tmp", "sends": SENDS}  # noqa: S108 - of the container
        kinds = {each["name"]: {*each} - {"name"} for each in pod["volumes"]}
        assert kinds == {"tmp": {"emptyDir"}, "sends": {"persistentVolumeClaim"}}


def unkept(rendered: Rendered) -> list[str]:
    """Return whose ledger of sends goes with a pod, or cannot be had on each node."""
    folder = rendered.of("ConfigMap")[0]["data"].get("HEYDAY_SENDS")
    modes = {
        each["metadata"]["name"]: each["spec"]["accessModes"]
        for each in rendered.of("PersistentVolumeClaim")
    }

    def is_kept(pod: Manifest) -> bool:
        volumes = {each["name"]: each for each in pod["volumes"]}
        (container,) = pod["containers"]
        mounted = [m["name"] for m in container["volumeMounts"] if m["mountPath"] == folder]
        claims = [volumes[name].get("persistentVolumeClaim", {}) for name in mounted]
        return [modes.get(each.get("claimName")) for each in claims] == [["ReadWriteMany"]]

    pods = {e["metadata"]["name"]: e["spec"]["template"]["spec"] for e in rendered.deployments}
    return [name for name, pod in pods.items() if not is_kept(pod)]


def test_all_pods_have_one_ledger_of_sends_which_outlives_them(rendered: Rendered) -> None:
    assert unkept(rendered) == []
    for deployment in rendered.deployments:
        security = deployment["spec"]["template"]["spec"]["securityContext"]
        assert security["fsGroup"] == security["runAsGroup"]


@pytest.mark.parametrize("fault", ["setting", "mount", "emptyDir", "claim", "mode"])
def test_a_ledger_that_is_not_kept_is_found(large: Rendered, fault: str) -> None:
    wrong = copy.deepcopy(large)
    pod = wrong.one("Deployment", "heyday-worker")["spec"]["template"]["spec"]
    (claim,) = wrong.of("PersistentVolumeClaim")
    (volume,) = [each for each in pod["volumes"] if each["name"] == "sends"]
    if fault == "setting":
        del wrong.of("ConfigMap")[0]["data"]["HEYDAY_SENDS"]
    elif fault == "mount":
        pod["containers"][0]["volumeMounts"].pop()
    elif fault == "emptyDir":
        del volume["persistentVolumeClaim"]
        volume["emptyDir"] = {}
    elif fault == "claim":
        wrong.manifests.remove(claim)
    else:
        claim["spec"]["accessModes"] = ["ReadWriteOnce"]
    assert "heyday-worker" in unkept(wrong)


def test_every_container_has_bounds(rendered: Rendered) -> None:
    for _, container in rendered.containers():
        assert container["resources"].keys() == {"requests", "limits"}
        for bounds in container["resources"].values():
            assert bounds.keys() == {"cpu", "memory"}
    for kind in ("Cluster", "RabbitmqCluster"):
        for server in rendered.of(kind):
            assert server["spec"]["resources"].keys() == {"requests", "limits"}


def test_every_setting_is_one_of_heydays(rendered: Rendered) -> None:
    (settings,) = rendered.of("ConfigMap")
    assert set(settings["data"]) <= SETTINGS
    for _, container in rendered.containers():
        assert {each["name"] for each in container["env"]} <= SETTINGS
        assert container["envFrom"][0]["configMapRef"]["name"] == settings["metadata"]["name"]


def test_secrets_are_named_and_stand_nowhere(rendered: Rendered) -> None:
    assert rendered.of("Secret") == []
    for _, container in rendered.containers():
        assert {*container["env"][0]["valueFrom"]} == {"secretKeyRef"}
        assert [each for each in container["env"] if "value" in each] == []


def secrets(container: Manifest) -> dict[str, tuple[str, str]]:
    """Return which key of which secret each variable is taken from."""
    found = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in container["env"]}
    return {name: (secret["name"], secret["key"]) for name, secret in found.items()}


def test_servers_are_where_heyday_is_told(rendered: Rendered) -> None:
    (database,) = rendered.of("Cluster")
    # CloudNativePG and RabbitMQ's operator name secrets after what they belong to.
    expected = {"DATABASE_URL": (f"{database['metadata']['name']}-app", "uri")}
    for broker in rendered.of("RabbitmqCluster"):
        name = f"{broker['metadata']['name']}-default-user"
        expected["RABBITMQ_URL"] = (name, "connection_string")
    for deployment in rendered.deployments:
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert secrets(container) == expected
    assert len(expected) == (2 if rendered.name == "large" else 1)


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe"])
def test_a_process_lives_while_it_answers(rendered: Rendered, probe: str) -> None:
    """PostgreSQL has no say in it: tests/integration/test_side_door.py."""
    for deployment in rendered.deployments:
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container[probe]["httpGet"] == {"path": "/health/live", "port": "metrics"}


def test_a_process_is_ready_where_it_does_its_work(rendered: Rendered) -> None:
    for deployment in rendered.deployments:
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        # The API's own door says more: whether callers are served.
        port = "http" if container["args"] == ["api"] else "metrics"
        assert container["readinessProbe"]["httpGet"] == {"path": "/health/ready", "port": port}
        # Longer than PostgreSQL is given to answer.
        assert container["readinessProbe"]["timeoutSeconds"] > PATIENCE.total_seconds()


def test_the_ports_are_the_same_everywhere(rendered: Rendered) -> None:
    settings = rendered.of("ConfigMap")[0]["data"]
    metrics = {"name": "metrics", "containerPort": int(settings["HEYDAY_METRICS_PORT"])}
    http = {"name": "http", "containerPort": int(settings["PORT"])}
    for deployment in rendered.deployments:
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        expected = [metrics, http] if container["args"] == ["api"] else [metrics]
        assert container["ports"] == expected
    service = rendered.one("Service", "heyday-api")["spec"]
    assert [each["targetPort"] for each in service["ports"]] == ["http"]
    labels = rendered.one("Deployment", "heyday-api")["spec"]["template"]["metadata"]["labels"]
    assert service["selector"].items() <= labels.items()
    policy = rendered.one("NetworkPolicy", "calls-to-the-api")["spec"]["ingress"][0]
    assert [each["port"] for each in policy["ports"]] == [http["containerPort"]]


def test_a_process_is_given_the_time_to_end(rendered: Rendered) -> None:
    for deployment in rendered.deployments:
        pod = deployment["spec"]["template"]["spec"]
        wait = pod["containers"][0].get("lifecycle", {}).get("preStop", {}).get("exec", {})
        before = timedelta(seconds=int(wait["command"][1])) if wait else timedelta()
        grace = timedelta(seconds=pod["terminationGracePeriodSeconds"])
        assert grace > before + STOPS_WITHIN


def test_one_of_each_may_be_taken_away_and_one_stays(rendered: Rendered) -> None:
    budgets = rendered.of("PodDisruptionBudget")
    for deployment in rendered.deployments:
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        (budget,) = [each for each in budgets if selects(each["spec"]["selector"], labels)]
        assert budget["spec"]["maxUnavailable"] == 1
        # While PostgreSQL is away nobody is ready, and nodes can be emptied all the same.
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"
        assert fewest(rendered, deployment) == 2
        for spread in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]:
            assert selects(spread["labelSelector"], labels)
    assert len(budgets) == len(rendered.deployments)


def scaled(rendered: Rendered, deployment: Manifest) -> Manifest | None:
    """Return the bounds between which KEDA scales a Deployment; None where it does not."""
    name = deployment["metadata"]["name"]
    found = [each["spec"] for each in rendered.of("ScaledObject")]
    return next((each for each in found if each["scaleTargetRef"]["name"] == name), None)


def fewest(rendered: Rendered, deployment: Manifest) -> int:
    bounds = scaled(rendered, deployment)
    # Who scales and who applies may not both say how many there are.
    assert (bounds is None) is ("replicas" in deployment["spec"])
    return int(bounds["minReplicaCount"] if bounds else deployment["spec"]["replicas"])


def most(rendered: Rendered, deployment: Manifest) -> int:
    bounds = scaled(rendered, deployment)
    count = bounds["maxReplicaCount"] if bounds else deployment["spec"]["replicas"]
    return int(count) + int(deployment["spec"]["strategy"]["rollingUpdate"]["maxSurge"])


def test_all_processes_fit_into_postgresqls_connections(rendered: Rendered) -> None:
    (database,) = rendered.of("Cluster")
    there = int(database["spec"]["postgresql"]["parameters"]["max_connections"])
    taken = sum(most(rendered, each) for each in rendered.deployments) * CONNECTIONS
    assert taken <= there - RESERVED


def test_servers_of_the_large_one_outlive_the_loss_of_one(large: Rendered) -> None:
    assert large.one("Cluster", "heyday-database")["spec"]["instances"] == 3
    assert large.one("RabbitmqCluster", "heyday-rabbitmq")["spec"]["replicas"] == 3


def test_rabbitmq_is_set_as_everywhere(large: Rendered) -> None:
    spec = large.one("RabbitmqCluster", "heyday-rabbitmq")["spec"]
    assert f"image: {spec['image']}\n" in (ROOT / "docker-compose.yml").read_text("utf-8")
    config = spec["rabbitmq"]["additionalConfig"]
    file = (ROOT / "deploy" / "rabbitmq" / "rabbitmq.conf").read_text("utf-8")
    assert set(config.splitlines()) <= set(file.splitlines())


@pytest.fixture
def trigger(large: Rendered) -> Manifest:
    spec = large.one("ScaledObject", "heyday-worker")["spec"]
    large.one("Deployment", spec["scaleTargetRef"]["name"])
    (trigger,) = spec["triggers"]
    assert trigger["type"] == "postgresql"
    (reference,) = large.one("TriggerAuthentication", trigger["authenticationRef"]["name"])["spec"][
        "secretTargetRef"
    ]
    assert reference["name"] == "heyday-database-app"
    return dict(trigger)


async def test_workers_are_scaled_by_indexes_alone(database_url: str, trigger: Manifest) -> None:
    query = trigger["metadata"]["query"]
    connection = await asyncpg.connect(database_url)
    try:
        await partitions.create_ahead(connection, await connection.fetchval("SELECT now()"), 1)
        assert await connection.fetchval(query) == 0
        await connection.execute("SET enable_seqscan = off")
        plan = await connection.fetchval(f"EXPLAIN (FORMAT json, COSTS off) {query}")
        read = await connection.fetch(
            "SELECT DISTINCT whole.relname FROM pg_inherits"
            " JOIN pg_class whole ON whole.oid = inhparent"
            " JOIN pg_class part ON part.oid = inhrelid WHERE part.relname = ANY($1)",
            re.findall(r'"Index Name": "([^"]+)"', plan),
        )
    finally:
        await connection.close()
    assert {row["relname"] for row in read} == {
        "idx_message_logs_scheduler",
        "idx_message_logs_recovery",
    }
    assert "Seq Scan" not in plan


def test_a_worker_is_asked_for_what_was_measured(trigger: Manifest) -> None:
    scale = json.loads((ROOT / "docs" / "scale.json").read_text("utf-8"))
    by_one = [each for each in scale["holding"] if each["workers"] == 1]
    (one,) = {each["rate"] for each in by_one if each["way"] == "single"}
    half_a_minute = one * 30
    assert half_a_minute / 2 < float(trigger["metadata"]["targetQueryValue"]) <= half_a_minute


def test_the_most_workers_are_asked_for_all_that_is_counted(
    large: Rendered, trigger: Manifest
) -> None:
    most = large.one("ScaledObject", "heyday-worker")["spec"]["maxReplicaCount"]
    counted = sum(map(int, re.findall(r"LIMIT (\d+)", trigger["metadata"]["query"])))
    assert most * int(trigger["metadata"]["targetQueryValue"]) == counted
