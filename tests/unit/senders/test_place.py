"""What a request is, by the address it goes to."""

import pytest

from heyday.senders.place import Place, header_lines


def head_of(url: str, key: str | None = "k") -> list[str]:
    head, _, _ = Place(url).request("send-email", b"{}", key).partition(b"\r\n\r\n")
    return head.decode("ascii").split("\r\n")


@pytest.mark.parametrize(
    ("url", "line", "host"),
    [
        ("http://mail.example.com", "/send-email", "mail.example.com"),
        ("http://mail.example.com/", "/send-email", "mail.example.com"),
        ("https://Mail.Example.com:8443/api/", "/api/send-email", "mail.example.com:8443"),
        ("http://[::1]:8080/v1", "/v1/send-email", "[::1]:8080"),
        ("http://[::1]", "/send-email", "[::1]"),
        ("https://bücher.example/grüße", "/gr%C3%BC%C3%9Fe/send-email", "xn--bcher-kva.example"),
        ("http://a.example/already%20there", "/already%20there/send-email", "a.example"),
    ],
)
def test_path_and_host_by_address(url: str, line: str, host: str) -> None:
    head = head_of(url)
    assert head[0] == f"POST {line} HTTP/1.1"
    assert head[1] == f"Host: {host}"


@pytest.mark.parametrize(
    ("url", "port", "is_secure"),
    [
        ("http://a.example", 80, False),
        ("https://a.example", 443, True),
        ("https://a.example:80", 80, True),
    ],
)
def test_where_to_connect_to(url: str, port: int, is_secure: bool) -> None:  # noqa: FBT001 - a case
    place = Place(url)
    assert (place.host, place.port, place.is_secure) == ("a.example", port, is_secure)


def test_a_login_goes_along_unescaped() -> None:
    assert "Authorization: Basic dXNlcjpwQHNz" in head_of("http://user:p%40ss@a.example")
    assert not [line for line in head_of("http://a.example") if line.startswith("Authorization")]


def test_a_body_comes_with_its_length_and_with_its_key_if_it_has_one() -> None:
    request = Place("http://a.example").request("send-email", b'{"a":1}', "key")
    assert request.endswith(b'\r\nIdempotency-Key: key\r\nContent-Length: 7\r\n\r\n{"a":1}')
    request = Place("http://a.example").request("send-batch", b"{}", None)
    assert request.startswith(b"POST /send-batch HTTP/1.1\r\n")
    assert b"Idempotency-Key" not in request


@pytest.mark.parametrize("key", ["a\r\nX: 1", "a\nb", "a\0", "grün"])
def test_a_key_that_would_not_stay_in_its_header_is_not_sent(key: str) -> None:
    with pytest.raises(ValueError, match=r"idempotency key|ascii"):
        head_of("http://a.example", key)


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("https://a.example", "/"),
        ("https://a.example/", "/"),
        ("https://a.example/hook", "/hook"),
        ("https://a.example/hook/", "/hook/"),
    ],
)
def test_without_a_name_the_address_itself_is_asked(url: str, line: str) -> None:
    assert Place(url).request("", b"{}").startswith(f"POST {line} HTTP/1.1\r\n".encode())


def test_headers_of_every_request_and_of_one() -> None:
    place = Place("https://a.example", {"Authorization": "Bearer k", "Content-Type": "text/x"})
    head = place.request("x", b"{}", "key", header_lines({"X-Date": "now"})).decode().split("\r\n")
    assert head[5:11] == [
        "Authorization: Bearer k",
        "Content-Type: text/x",
        "X-Date: now",
        "Idempotency-Key: key",
        "Content-Length: 2",
        "",
    ]


@pytest.mark.parametrize("value", ["a\r\nX: 1", "a\nb", "a\0", "grün", "a\x7f"])
def test_a_value_that_would_leave_its_line_is_not_sent_and_not_told(value: str) -> None:
    with pytest.raises(ValueError, match="X-Key: got") as refused:
        header_lines({"X-Key": value})
    assert value not in str(refused.value)
