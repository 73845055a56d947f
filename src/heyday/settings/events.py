"""Settings of what providers tell of letters: what each of them signs it with."""

from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings

from heyday.settings.values import complete_login


class Events(BaseSettings):
    """Hold how providers are known that call /webhooks/{provider}; others are not served.

    Each takes several values with commas between, so that one can follow another.
    """

    events_ses_topics: str = Field(
        default="",
        alias="HEYDAY_EVENTS_SES_TOPICS",
        description="ARNs of the SNS topics that Amazon SES publishes events of letters to, with "
        "commas between. Empty: /webhooks/ses is not served.",
    )
    events_sendgrid_key: str = Field(
        default="",
        alias="HEYDAY_EVENTS_SENDGRID_KEY",
        description="The verification key of SendGrid's event webhook. Empty: /webhooks/sendgrid "
        "is not served.",
    )
    events_mailgun_key: str = Field(
        default="",
        alias="HEYDAY_EVENTS_MAILGUN_KEY",
        description="Mailgun's HTTP webhook signing key. Empty: /webhooks/mailgun is not served.",
    )
    events_postmark_login: Annotated[str, BeforeValidator(complete_login)] = Field(
        default="",
        alias="HEYDAY_EVENTS_POSTMARK_LOGIN",
        description="The user:password that Postmark sends as HTTP Basic, the password of 32 "
        "characters or more. Empty: /webhooks/postmark is not served.",
    )
    events_resend_secret: str = Field(
        default="",
        alias="HEYDAY_EVENTS_RESEND_SECRET",
        description="The signing secret of Resend's webhook, whsec_... Empty: /webhooks/resend is "
        "not served.",
    )
    events_webhook_secret: str = Field(
        default="",
        alias="HEYDAY_EVENTS_WEBHOOK_SECRET",
        description="The secret, whsec_..., by which your own relay signs its events as Standard "
        "Webhooks are. Empty: /webhooks/webhook is not served.",
    )
