"""Serve what will be sent when, and why: /api/v1/forecast, /api/v1/users/{id}/explanation."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from heyday.api.explanation_shapes import ShownExplanation, shown_explanation
from heyday.api.forecast_shapes import ShownForecast, shown_forecast
from heyday.api.messages import OfType
from heyday.api.parameters import instant, read_instant, refuse
from heyday.api.route_options import route
from heyday.api.users import PEOPLE
from heyday.domain.access import Scope
from heyday.domain.errors import NotFound
from heyday.domain.explaining import EARLIEST_ON, LATEST_ON
from heyday.domain.forecast import LONGEST_DAYS, USUAL_DAYS, Grouping
from heyday.domain.message_types import MESSAGE_TYPES, get_message_type
from heyday.services.explaining import ExplanationService
from heyday.services.forecasting import ForecastService

FORECAST = "/api/v1/forecast"
EXPLANATION = f"{PEOPLE}/{{user_id:uuid}}/explanation"

Days = Annotated[
    int, QueryParameter(ge=1, le=LONGEST_DAYS, description="How many days of 24 hours.")
]
By = Annotated[
    Grouping,
    QueryParameter(
        description="hour: each hour of up to 3 days, for more days the 24 hours of the day, in "
        "UTC; day: dates in UTC; zone: time zones, the largest first; type: message types."
    ),
]
From = Annotated[str | None, instant("Where to begin instead of now.", name="from")]
On = Annotated[
    date | None,
    QueryParameter(
        description="The person's own local date. Without it: today, if it is their day, else the "
        "next."
    ),
]


class ForecastRoutes:
    """Bind forecast and explanation to their services."""

    def __init__(
        self,
        forecasts: ForecastService,
        explanations: ExplanationService,
    ) -> None:
        self._forecasts = forecasts
        self._explanations = explanations

    def handlers(self) -> Sequence[HTTPRouteHandler]:
        """Return the route handlers."""
        options = partial(route, "Forecast")
        forecast = options(Scope.MESSAGES_READ, "What will be sent when", ValidationException)
        explanation = options(
            Scope.USERS_READ, "Why somebody is greeted, or is not", NotFound, ValidationException
        )
        return [
            get(FORECAST, **forecast)(self.forecast_messages),
            get(EXPLANATION, **explanation)(self.explain_person),
        ]

    async def forecast_messages(
        self, days: Days = USUAL_DAYS, by: By = Grouping.DAY, from_: From = None
    ) -> ShownForecast:
        """Tell what will be sent when, by the people, zones and rules of now.

        The first and the last row may be a part of their hour or day. Who comes, leaves or changes
        meanwhile is not foreseen.
        """
        start_at = read_instant("from", from_)
        found = await self._forecasts.forecast(timedelta(days=days), start_at)
        return shown_forecast(found, by)

    async def explain_person(
        self, user_id: FromPath[UUID], on: On = None, message_type: OfType = None
    ) -> ShownExplanation:
        """Say why a person will, or will not, get a greeting, with every rule that applies.

        Deleted people are explained as well.
        """
        if on and not EARLIEST_ON <= on <= LATEST_ON:
            refuse("on", f"expected a date from {EARLIEST_ON} to {LATEST_ON}")
        types = [get_message_type(message_type)] if message_type else MESSAGE_TYPES
        return shown_explanation(await self._explanations.explain(str(user_id), on, types))
