"""Open the HTTP door: decode a request, call one service method, encode its answer."""
