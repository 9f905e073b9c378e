"""A webhook's receiver: it notes what is posted to it, and answers as a test wants."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Message = dict[str, Any]


class Receiver:
    """What came. ``answers`` are the status codes of the first answers; after them it is 204."""

    def __init__(self, answers: tuple[int, ...] = ()) -> None:
        self.messages: list[Message] = []
        """What was posted and taken, in order."""
        self.refused: list[Message] = []
        self.types: set[str] = set()
        self.holds = threading.Event()
        """Set while it answers; nobody is answered while it is cleared."""
        self.holds.set()
        self.url = ""
        self._answers = list(answers)

    def take(self, body: bytes, kind: str) -> int:
        """Note a message; returns the status of the answer."""
        self.holds.wait()
        self.types.add(kind)
        status = self._answers.pop(0) if self._answers else 204
        (self.messages if status == 204 else self.refused).append(json.loads(body))
        return status

    def about(self, projection: str) -> list[Message]:
        """What was said of one projection."""
        return [message for message in self.messages if message.get("projection") == projection]

    def events(self, projection: str) -> list[str]:
        """The events that one projection had."""
        return [message["event"] for message in self.about(projection)]


@contextmanager
def receiver(*answers: int) -> Iterator[Receiver]:
    """Receive on a port of its own until the end of the block."""
    one = Receiver(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = one.take(body, self.headers["Content-Type"])
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", one.url)
            self.end_headers()

        def do_GET(self) -> None:
            """Who was sent elsewhere and comes with nothing is answered all the same."""
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    one.url = f"http://127.0.0.1:{server.server_port}/hooks/secret"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield one
    finally:
        one.holds.set()
        server.shutdown()
        thread.join()
        server.server_close()
