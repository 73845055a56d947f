"""What the tests of deploy/ and docker-compose.yml share."""

from typing import Any

import pytest

from tests.deploy.composition import PASSWORDS, WATCHED, compose


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The services of docker-compose.yml, with all passwords set and all that may be asked for."""
    found: dict[str, dict[str, Any]]
    found = compose(tmp_path_factory.mktemp("compose"), **PASSWORDS, **WATCHED)["services"]
    return found
