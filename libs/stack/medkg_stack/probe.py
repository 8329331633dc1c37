"""Asking a server whether it answers."""

import http.client
import socket

from .ports import HOST

_TIMEOUT_S = 2.0
# Bolt's greeting and the versions offered, 5.8 down to 5.0; the server answers with the one that it takes
# (https://neo4j.com/docs/bolt/current/bolt/handshake/).
_BOLT_HANDSHAKE = bytes.fromhex("6060b017 00080805 00000000 00000000 00000000")
_BOLT_ANSWER_BYTES = 4


def accepts(port: int) -> bool:
    """Whether something takes connections on this port."""
    try:
        with socket.create_connection((HOST, port), timeout=_TIMEOUT_S):
            return True
    except OSError:
        return False


def http_ok(port: int, path: str) -> bool:
    """Whether a GET of this path is answered with 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def redis_pongs(port: int) -> bool:
    """Whether Redis answers a PING; it does not while it still loads its file."""
    try:
        with socket.create_connection((HOST, port), timeout=_TIMEOUT_S) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def bolt_answers(port: int) -> bool:
    """Whether a server on this port agrees on a version of Bolt."""
    try:
        with socket.create_connection((HOST, port), timeout=_TIMEOUT_S) as connection:
            connection.settimeout(_TIMEOUT_S)
            connection.sendall(_BOLT_HANDSHAKE)
            return any(connection.recv(_BOLT_ANSWER_BYTES))
    except OSError:
        return False
