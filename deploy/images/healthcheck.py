"""Whether the service in this container gets on: ``healthcheck.py PORT PATH...``, run by the image's HEALTHCHECK.

Every path must answer 200 on this host's port. What answered otherwise is printed, for ``docker inspect`` to show.
Plain sockets, because this starts every few seconds and importing an HTTP client takes longer than all the rest.
"""

import socket
import sys

_TIMEOUT_S = 3.0


def problem(port: int, path: str) -> str | None:
    """What is wrong with this path; None if it answers 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), _TIMEOUT_S) as connection:
            connection.sendall(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
            answer = connection.makefile("rb").read().decode(errors="replace")
    except OSError as error:
        return f"{path}: {error}"
    head, _, body = answer.partition("\r\n\r\n")
    return None if head.split()[1:2] == ["200"] else f"{path}: {body.strip() or head}"


def main(port: str, paths: list[str]) -> int:
    """Check all paths; the exit code that HEALTHCHECK understands."""
    problems = [found for path in paths if (found := problem(int(port), path)) is not None]
    print("\n".join(problems) or "ok")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
