"""Logins that could be guessed are refused, and no secret is shown."""

import pytest

from heyday.domain.errors import ConfigurationError
from heyday.settings import load_settings
from heyday.settings.events import Events
from heyday.settings.values import HIDDEN


@pytest.mark.parametrize("login", ["postmark", "postmark:short", "a" * 64, ":" + "a" * 31])
def test_a_login_that_could_be_guessed_is_refused(
    monkeypatch: pytest.MonkeyPatch, login: str
) -> None:
    monkeypatch.setenv("HEYDAY_EVENTS_POSTMARK_LOGIN", login)
    with pytest.raises(ConfigurationError, match="32 characters or more") as refused:
        load_settings()
    assert login not in str(refused.value)


def test_all_but_what_is_public_is_hidden() -> None:
    public = {"events_ses_topics", "events_sendgrid_key"}
    assert set(Events.model_fields) - HIDDEN == public
