"""Show the kinds of greeting, with the policies in force for each."""

from collections.abc import Mapping
from dataclasses import dataclass

from heyday.domain.delivery import AmbiguityPolicy
from heyday.domain.message_types import MESSAGE_TYPES, MessageType, get_message_type
from heyday.domain.policies import TimePolicies


@dataclass(frozen=True, slots=True)
class MessageTypeInForce:
    """Hold one kind of greeting with what settings say of it."""

    message_type: MessageType
    policies: TimePolicies
    ambiguity: AmbiguityPolicy


class MessageTypeService:
    """Join what the code declares to what settings chose. Both are by name of the type."""

    def __init__(
        self,
        policies: Mapping[str, TimePolicies],
        ambiguities: Mapping[str, AmbiguityPolicy],
    ) -> None:
        self._policies = policies
        self._ambiguities = ambiguities

    def list_all(self) -> list[MessageTypeInForce]:
        """Return every kind of greeting, in the order of their declaration."""
        return [self._in_force(message_type) for message_type in MESSAGE_TYPES]

    def get(self, name: str) -> MessageTypeInForce:
        """Return one, whatever the case of its name. Raises MessageTypeNotFound."""
        return self._in_force(get_message_type(name))

    def _in_force(self, message_type: MessageType) -> MessageTypeInForce:
        name = message_type.name
        return MessageTypeInForce(message_type, self._policies[name], self._ambiguities[name])
