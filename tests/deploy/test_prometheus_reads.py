"""A real Prometheus with our configuration reads every process, and answers what is asked."""

import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from heyday.db.embedded.cluster import free_port
from tests.acceptance.processes import Heyday, get, heyday
from tests.deploy.rules import ALERTS, DASHBOARDS, FOLDER, queries
from tests.servers import missing

PROCESSES = ("api", "scheduler", "worker")
# So that the test need not wait for a quarter of a minute.
EVERY = "1s"
SUCCESS = "heyday_job_last_success_timestamp_seconds"


class Prometheus:
    """Ask one that runs."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def ask(self, path: str, **words: str) -> Any:
        """Return the data of an answer; fail where it is an error."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.url}/api/v1/{path}", params=words) as reply,
        ):
            answer = await reply.json()
            assert answer["status"] == "success", answer
            return answer["data"]

    async def processes(self, expression: str) -> set[str]:
        """Return which processes an expression is true of at this moment."""
        found = (await self.ask("query", query=expression))["result"]
        return {each["metric"]["process"] for each in found}

    async def rules(self) -> list[Any]:
        """Return the rules as it holds them."""
        return [rule for group in (await self.ask("rules"))["groups"] for rule in group["rules"]]


def configuration(ports: dict[str, int]) -> dict[str, Any]:
    """Return ours, with places on this machine where Docker's names were, and more haste."""
    read: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus.yml").read_text("utf-8"))
    read["global"] = {"scrape_interval": EVERY, "evaluation_interval": EVERY}
    (job,) = read["scrape_configs"]
    (found,) = job.pop("dns_sd_configs")
    assert sorted(found["names"]) == sorted(ports)
    job["static_configs"] = [
        {"targets": [f"127.0.0.1:{ports[name]}"], "labels": {"__meta_dns_name": name}}
        for name in found["names"]
    ]
    return read


@contextlib.asynccontextmanager
async def watched(database_url: str, folder: Path) -> AsyncIterator[tuple[Heyday, Prometheus]]:
    """Run each process of Heyday, and a Prometheus that reads them."""
    program = shutil.which("prometheus") or missing("Prometheus", "apt-get install prometheus")
    ports = {name: free_port() for name in PROCESSES}
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    file, port = folder / "prometheus.yml", free_port()
    file.write_text(yaml.safe_dump(configuration(ports)), "utf-8")
    options = [f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}"]
    options += [f"--web.listen-address=127.0.0.1:{port}"]
    async with contextlib.AsyncExitStack() as running:
        for name in PROCESSES:
            settings = {"DATABASE_URL": database_url, "HEYDAY_METRICS_PORT": str(ports[name])}
            ours = heyday(name, cwd=folder, PORT="0", **settings)
            await running.enter_async_context(ours)
        process = await running.enter_async_context(heyday(*options, cwd=folder, program=[program]))
        yield process, Prometheus(f"http://127.0.0.1:{port}")


async def test_it_reads_every_process_and_answers_what_is_asked(
    database_url: str, tmp_path: Path, services: dict[str, dict[str, Any]]
) -> None:
    async with watched(database_url, tmp_path) as (process, prometheus):
        check = services["prometheus"]["healthcheck"]["test"][-1]
        place = check.replace("http://127.0.0.1:9090", prometheus.url)

        async def is_ready() -> bool:
            with contextlib.suppress(aiohttp.ClientError):
                return "Ready" in await get(place)
            return False

        async def has_all() -> bool:
            rules = await prometheus.rules()
            return (
                await prometheus.processes('up{job="heyday"} == 1') == set(PROCESSES)
                # One of them alone looks how Heyday stands, and names its jobs.
                and await prometheus.processes("heyday_months_ahead > 0") == {"scheduler"}
                and await prometheus.processes(f'{SUCCESS}{{job="retention"}}') == {"scheduler"}
                and await prometheus.processes('heyday_job_runs_total{job="minute"}')
                == {"scheduler"}
                and all(rule["health"] != "unknown" for rule in rules)
            )

        await process.until(is_ready)
        await process.until(has_all)
        rules = await prometheus.rules()
        assert {rule["name"] for rule in rules if rule["type"] == "alerting"} == set(ALERTS)
        assert [rule for rule in rules if rule["health"] != "ok"] == []
        for path in DASHBOARDS:
            for expression in queries(path):
                await prometheus.ask("query", query=expression)
