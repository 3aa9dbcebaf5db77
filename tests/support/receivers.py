"""Receivers of alerts: real HTTP servers that answer as a test tells them."""

import json
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """A server on this machine.

    Attributes:
        answer: What it does from now on: a status; ``hang``, ``drip``, or seconds to wait (float).
        bodies: What was sent to it by POST, parsed.
        methods: Of all requests.
    """

    def __init__(self, answer=200):
        self.answer, self.bodies, self.methods = answer, [], []
        self._over = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                receiver.methods.append("POST")
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.bodies.append(json.loads(body))
                receiver._answer(self)

            def do_GET(self):
                receiver.methods.append("GET")
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _answer(self, handler):
        answer = self.answer
        if answer == "hang":
            self._over.wait()
            return
        if answer == "drip":
            handler.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
            while not self._over.wait(0.2):
                handler.wfile.write(b"x")
            return
        if isinstance(answer, float):
            time.sleep(answer)
            answer = 200
        handler.send_response(answer)
        if answer == 302:
            handler.send_header("Location", f"http://127.0.0.1:{self.port}/elsewhere")
        handler.end_headers()
        handler.wfile.write(b"ok")

    @property
    def titles(self):
        """Of the messages that were sent to it as JSON."""
        return [body["title"] for body in self.bodies]

    def url(self, path="alerts"):
        """Its address as a channel."""
        return f"json://127.0.0.1:{self.port}/{path}"

    def close(self):
        """End it, and let whoever waits go."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()


class MailServer:
    """An SMTP server on this machine that takes every message.

    Attributes:
        mails: The text of each.
    """

    def __init__(self, greets_after=0.0):
        self.mails = []
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                time.sleep(greets_after)
                self.reply("220 here")
                while command := self.rfile.readline().decode().strip():
                    name = command[:4].upper()
                    if name == "DATA":
                        self.reply("354 go on")
                        server.mails.append(self.text())
                    self.reply("221 bye" if name == "QUIT" else "250 fine")

            def text(self):
                lines = []
                while (line := self.rfile.readline().decode()) != ".\r\n":
                    lines.append(line)
                return "".join(lines)

            def reply(self, line):
                self.wfile.write(f"{line}\r\n".encode())

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        """End it."""
        self._server.shutdown()
        self._server.server_close()
