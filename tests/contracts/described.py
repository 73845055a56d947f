"""What each provider's published description asks of a request: fields, types and limits.

Written down from the descriptions that `Source:` names in heyday.senders.providers; nothing that
they do not have is let through, so that a field that is misspelt is found.
"""

import json
from typing import Any

import jsonschema_rs

_ADDRESS = {"type": "string", "pattern": r"^[^@\s,;<>]+@[A-Za-z0-9.-]+$"}
_FROM = {"type": "string", "pattern": r"^([^\r\n]* <[^@\s<>]+@[^\s<>]+>|[^@\s<>]+@[^\s<>]+)$"}
_LINE = {"type": "string", "minLength": 1, "pattern": r"^[^\r\n]*$"}
_TAG = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,256}$"}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }


def _list(items: dict[str, Any], least: int, most: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


# twilio/sendgrid-oai, spec/yaml/tsg_mail_v3.yaml: requestBodies.PostMailSend
_SENDGRID_MAILBOX = _object({"email": _ADDRESS}, {"name": {"type": "string"}})
_SENDGRID_RESERVED = (
    "x-sg-id|x-sg-eid|received|dkim-signature|content-type|content-transfer-encoding|to|from|"
    "subject|reply-to|cc|bcc"
)
SENDGRID = _object(
    {
        "personalizations": _list(
            _object(
                {"to": _list(_SENDGRID_MAILBOX, 1, 1000)},
                {"custom_args": {"type": "object", "additionalProperties": {"type": "string"}}},
            ),
            1,
            1000,
        ),
        "from": _SENDGRID_MAILBOX,
        "subject": _LINE,
        "content": _list(
            _object({"type": _LINE, "value": {"type": "string", "minLength": 1}}), 1, 2
        ),
    },
    {
        "reply_to": _SENDGRID_MAILBOX,
        "headers": {
            "type": "object",
            "propertyNames": {"not": {"pattern": f"^(?i:{_SENDGRID_RESERVED})$"}},
            "additionalProperties": _LINE,
        },
    },
)

# server.yml of "Postmark API" 1.0.0: SendEmailRequest; Metadata and MessageStream of email-api
POSTMARK = _object(
    {"From": _FROM, "To": _ADDRESS, "Subject": _LINE, "TextBody": {"type": "string"}},
    {
        "HtmlBody": {"type": "string"},
        "ReplyTo": _ADDRESS,
        "Headers": _list(_object({"Name": _LINE, "Value": _LINE}), 0, 50),
        "Metadata": {
            "type": "object",
            "maxProperties": 10,
            "propertyNames": {"maxLength": 20},
            "additionalProperties": {"type": "string", "maxLength": 80},
        },
        "MessageStream": _LINE,
    },
)

# resend/resend-openapi, resend.yaml: SendEmailRequest, Tag
RESEND = _object(
    {"from": _FROM, "to": _list(_ADDRESS, 1, 50), "subject": _LINE},
    {
        "text": {"type": "string"},
        "html": {"type": "string"},
        "reply_to": _ADDRESS,
        "headers": {"type": "object", "additionalProperties": _LINE},
        "tags": _list(_object({"name": _TAG, "value": _TAG}), 0, 50),
    },
)

# sesv2-2019-09-27 (service-2.json): SendEmailRequest, Message, Content, MessageHeader, MessageTag
_SES_CONTENT = _object({"Data": {"type": "string"}}, {"Charset": {"type": "string"}})
_SES_HEADER = _object(
    {
        "Name": {"type": "string", "pattern": "^[!-9;-@A-~]+$", "maxLength": 126},
        "Value": {"type": "string", "pattern": "^[ -~]*$", "minLength": 1, "maxLength": 870},
    }
)
SES = _object(
    {
        "Content": _object(
            {
                "Simple": _object(
                    {
                        "Subject": _SES_CONTENT,
                        "Body": _object({}, {"Text": _SES_CONTENT, "Html": _SES_CONTENT}),
                    },
                    {"Headers": _list(_SES_HEADER, 0, 15)},
                )
            }
        )
    },
    {
        "FromEmailAddress": _FROM,
        "ReplyToAddresses": _list(_ADDRESS, 0, 50),
        "Destination": _object({}, {"ToAddresses": _list(_ADDRESS, 1, 50)}),
        "EmailTags": _list(_object({"Name": _TAG, "Value": _TAG}), 0, 50),
        "ConfigurationSetName": _LINE,
    },
)


def find_fault(body: bytes, schema: dict[str, Any]) -> str | None:
    """Return what is wrong with a body, by its description."""
    try:
        found = json.loads(body)
    except ValueError:
        return "the body is not JSON"
    error = next(iter(jsonschema_rs.validator_for(schema).iter_errors(found)), None)
    return None if error is None else f"{list(error.instance_path)}: {error.message}"
