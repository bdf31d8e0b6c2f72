"""A mail server on this machine that keeps what it is given."""

from __future__ import annotations

import socketserver


class MailServer(socketserver.ThreadingTCPServer):
    """Takes mails as RFC 5321 says, and keeps them."""

    allow_reuse_address = True
    daemon_threads = True
    refuses = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), MailConversation)
        self.mails: list[tuple[list[str], str]] = []


class MailConversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self.say("220 test")
        recipients: list[str] = []
        while line := self.rfile.readline().decode().strip():
            verb = line.upper()
            if verb.startswith("RCPT TO:"):
                if self.server.refuses and self.server.refuses in line:
                    self.say("550 nobody here")
                    continue
                recipients.append(line[8:].split()[0].strip("<>"))
            if verb == "DATA":
                self.say("354 go on")
                text = []
                while (row := self.rfile.readline().decode()) not in (".\r\n", ""):
                    text.append(row)
                self.server.mails.append((recipients, "".join(text)))
            self.say("221 bye" if verb == "QUIT" else "250 ok")
            if verb == "QUIT":
                return

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
