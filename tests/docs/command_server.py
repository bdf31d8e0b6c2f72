"""How do many commands run quickly? One process imports everything, and forks for each `meterhouse` call.

    python command_server.py PATH    # makes the client at PATH, prints "ready", serves until it is ended

The client hands its folder, arguments and standard streams to the server and exits with the command's code.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import traceback
from importlib import import_module
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
    print("ready", flush=True)
    while True:
        connection, _ = listener.accept()
        _reap()
        if os.fork() == 0:
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


def _reap() -> None:
    """Forget the calls that have ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


# What commands import when they run; none of it starts a thread, or opens a file to stay open.
_IMPORTED = (
    *("django.core.management.commands.migrate", "rich.console", "rich.table"),
    *("typst", "vl_convert", "xlsxwriter", "meterhouse.cli.main", "meterhouse.feeds.xdmod.site_query"),
    *("meterhouse.operations.demo.site", "meterhouse.reports.site_dump", "meterhouse.reports.site_log"),
    *("meterhouse.sources.xdmod_csv", "meterhouse.warehouse.engines.duckdb_engine"),
    "meterhouse.warehouse.store",
)


def _import_everything() -> None:
    import pyarrow as pa

    from meterhouse.sources.file_formats import FILE_FORMATS

    for name in _IMPORTED:
        import_module(name)
    for file_format in FILE_FORMATS.values():
        file_format.reader()
    pa.array([0])  # imports pandas, where it is installed


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
