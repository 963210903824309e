"""A small HTTP server on this machine for tests of downloads: it resumes, breaks off, stalls and lies on request."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TAG = '"first"'


class FileServer:
    """Serves `content` at any path; each request takes the next of `faults`, "" once they are used up.

    Faults: "drop" ends the connection after half of what was asked for, "ignore_range" sends the whole file,
    "other_part" a part that nobody asked for, "stall" nothing after half, "long" more than the file and does not say
    how much; a number is that status.
    """

    def __init__(self, content: bytes) -> None:
        self.content, self.tag = content, TAG
        self.faults: list[str | int] = []
        self.seconds_a_piece = 0.0
        self.requests: list[dict[str, str]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.block_on_close = False
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._http.server_address[1]}/weights/file.bin"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(dict(handler.headers))
        fault = self.faults.pop(0) if self.faults else ""
        handler.close_connection = True
        if isinstance(fault, int):
            handler.send_response(fault)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        wanted = handler.headers.get("Range", "")
        same = handler.headers.get("If-Range", self.tag) == self.tag
        start = int(wanted[6:-1]) if wanted and same and fault not in ("ignore_range", "long") else 0
        if start >= len(self.content):
            handler.send_response(416)
            handler.end_headers()
            return
        body = self.content[start:]
        handler.send_response(206 if start else 200)
        handler.send_header("ETag", self.tag)
        if start:
            first = start + 1 if fault == "other_part" else start
            handler.send_header("Content-Range", f"bytes {first}-{len(self.content) - 1}/{len(self.content)}")
        if fault == "long":
            body = self.content * 3
        else:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        self._send(handler, body, fault)

    def _send(self, handler: BaseHTTPRequestHandler, body: bytes, fault: str) -> None:
        half = len(body) // 2 if fault in ("drop", "stall") else len(body)
        try:
            for at in range(0, half, 1 << 14):
                handler.wfile.write(body[at : min(at + (1 << 14), half)])
                handler.wfile.flush()
                time.sleep(self.seconds_a_piece)
            if fault == "stall":
                time.sleep(2.0)
        except OSError:  # the client went away
            pass
