"""What of a build is done by a second thread, while the first goes on?

After a day of news every query is too small for DuckDB to divide among threads: it is done no sooner than by
one, and pays for more. So each query gets one thread, and two that don't need one another run at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Self

from meterhouse.usage.building.steps import BuildSteps

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine

Step = Callable[[BuildSteps], None]


class EngineAside:
    """An engine that another thread opens and closes: each takes about as long as asking the register.

    As a context manager; at its end the engine is closed.
    """

    def __init__(self, open_engine: Callable[[], DuckDBEngine]) -> None:
        self._executor = ThreadPoolExecutor(1, "engine")
        self._opening = self._executor.submit(open_engine)
        self._closing: Future[None] | None = None

    def opened(self) -> DuckDBEngine:
        """The engine, as soon as it is open. Raises what opening it raised."""
        return self._opening.result()

    def close(self) -> None:
        """Begin to close the engine."""
        if self._closing is None and self._opening.exception() is None:
            self._closing = self._executor.submit(self._opening.result().close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        self._executor.shutdown()
        if self._closing is not None and error is None:
            self._closing.result()


class Meanwhile:
    """Steps of a build that are done one after the other, beside those of the thread that has this.

    Not `beside`: each is done when it is asked for, and every query may use all threads.
    """

    def __init__(self, steps: BuildSteps, *, beside: bool) -> None:
        self._steps = steps
        self._threads = steps.engine.threads
        self._second: BuildSteps | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._asked: list[Future[None]] = []
        # who allows one thread gets one
        self.is_beside = beside and self._threads > 1

    def __enter__(self) -> Self:
        if self.is_beside:
            self._steps.engine.threads = 1
            self._second = self._steps.beside()
            self._executor = ThreadPoolExecutor(1, "build")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is None or self._second is None:
            return
        self._executor.shutdown(cancel_futures=error is not None)
        self._second.engine.close()
        self._steps.engine.threads = self._threads
        if error is None:
            self.wait()

    def do(self, *steps: Step) -> Callable[[], None]:
        """Have steps done. What is returned waits until they are, and raises what they raised.

        They may need what stands now, and what was asked for before.
        """

        def all_of_them(build: BuildSteps) -> None:
            for step in steps:
                step(build)

        if self._executor is None or self._second is None:
            all_of_them(self._steps)
            return lambda: None
        done = self._executor.submit(all_of_them, self._second)
        self._asked.append(done)
        return done.result

    def wait(self) -> None:
        """Until all that was asked for is done."""
        for done in self._asked:
            done.result()

    def use_all_threads(self) -> None:
        """There is more to do than was thought: from now on each query may use all threads."""
        self._steps.engine.threads = self._threads
