"""The API does what its description says: a part of `make api-fuzz`, the same in every run."""

from pathlib import Path

from tests.fuzz.described import follow_links, hold_to_description
from tests.fuzz.server import running_api


async def test_no_reply_is_other_than_described(database_url: str, tmp_path: Path) -> None:
    async with running_api(database_url, tmp_path) as api:
        verdict = await hold_to_description(api, tmp_path, seed=1, examples=5)
        assert "request_failed" not in api.process.text
    assert verdict.status == 0, verdict.text
    assert verdict.cases >= 500


async def test_what_was_made_can_be_used_as_described(database_url: str, tmp_path: Path) -> None:
    async with running_api(database_url, tmp_path) as api:
        verdict = await follow_links(api, tmp_path, seed=1, examples=100)
    assert verdict.status == 0, verdict.text
    assert verdict.links, verdict.text
