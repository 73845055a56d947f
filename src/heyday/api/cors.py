"""Let pages of other origins call the API, those alone that are named."""

from collections.abc import Sequence

from litestar.config.cors import CORSConfig

from heyday.api.route_plans import KEY_HEADER, REPLAYED_HEADER

_PREFLIGHT_SECONDS = 600


def cors(origins: Sequence[str]) -> CORSConfig | None:
    """Return who may call from a browser; None if nobody may.

    A key goes with each request as a header; cookies and other credentials never do.
    """
    if not origins:
        return None
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            KEY_HEADER,
            "If-Match",
            "If-None-Match",
            "X-Request-Id",
        ],
        expose_headers=["ETag", "Location", REPLAYED_HEADER, "Retry-After", "X-Request-Id"],
        allow_credentials=False,
        max_age=_PREFLIGHT_SECONDS,
    )
