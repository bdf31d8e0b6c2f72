"""`meterhouse serve`: the web site and the API."""

from __future__ import annotations

from typing import Annotated

import typer


def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option("--host", help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port to listen at.")] = 8000,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="Processes.")] = 1,
    threads: Annotated[int, typer.Option("--threads", min=1, max=64, help="Threads of each process.")] = 16,
    work: Annotated[
        bool, typer.Option(help="Make reports and exports, too, as `meterhouse work` does.")
    ] = True,
) -> None:
    """Serve pages and the REST API until it is stopped."""
    import os
    from contextlib import nullcontext
    from multiprocessing import Process

    from granian import Granian
    from granian.constants import Interfaces

    from meterhouse.errors import ConfigurationError
    from meterhouse.site import Site
    from meterhouse.web.work.running import worker_beside

    site = Site.open(context.obj)  # what is wrong with its settings is said here, once
    os.environ["METERHOUSE_SITE"] = str(site.path)
    # The tables of log-in are made before the workers start, by a process that ends with its connections.
    preparing = Process(target=_prepare, args=(str(site.path),))
    preparing.start()
    preparing.join()
    if preparing.exitcode != 0:
        raise ConfigurationError(f"{site.path}: the register can't be used by the web site; see above")
    print(f"Serving {site.settings.site.name!r} at http://{host}:{port}/ (ctrl-c stops)", flush=True)
    server = Granian(
        "meterhouse.web.application:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=threads,
        backlog=1024,
        log_access=False,
        websockets=False,
    )
    with worker_beside(site.path) if work else nullcontext():
        server.serve()


def _prepare(path: str) -> None:
    from meterhouse.web.configured import configure

    configure(path).close()
