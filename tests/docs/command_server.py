"""How do many commands run quickly? One process imports everything, and forks for each `meterhouse` call.

    python command_server.py PATH    # makes the client at PATH, prints "ready", serves until it is ended

The client hands its folder, arguments and standard streams to the server and exits with the command's code.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path

_CLIENT = """\
#!{python} -SE
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
socket.send_fds(server, [json.dumps([os.getcwd(), sys.argv[1:]]).encode()], [0, 1, 2])
sys.exit(server.recv(1)[0])
"""


def serve(client: Path) -> None:
    """Answer calls until the process is ended."""
    _import_everything()
    address = f"{client}.socket"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen()
    client.write_text(_CLIENT.format(python=sys.executable, address=address))
    client.chmod(0o755)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            listener.close()
            _answer(connection)
        connection.close()


def _answer(connection: socket.socket) -> None:
    said, streams, _, _ = socket.recv_fds(connection, 1 << 16, 3)
    folder, arguments = json.loads(said)
    os.chdir(folder)
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    sys.argv = ["meterhouse", *arguments]
    code = 1
    try:
        from meterhouse.cli.main import main

        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BrokenPipeError):  # `| head` has read enough
            sys.stdout.flush()
        connection.send(bytes([code]))
        os._exit(0)


def _import_everything() -> None:
    """What commands import when they run; none of it starts a thread or opens a file to stay open."""
    import meterhouse.cli.main
    import meterhouse.operations.demo.site
    import meterhouse.reports.site_dump
    import meterhouse.reports.site_log
    import meterhouse.warehouse.engines.duckdb_engine
    import meterhouse.warehouse.store  # noqa: F401


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
