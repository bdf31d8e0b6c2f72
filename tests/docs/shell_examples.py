"""Do the commands in the documents print what the documents say? Runs them, and can write the outputs anew.

A fence ```` ```sh run ```` is run by bash; `exit=3` beside it says that it ends with that code. A fence
```` ```text output ```` after it is what it prints (both streams); in it, `...` stands for anything. All
blocks of a document run in one folder, in order; where the folder is, the document says HOME.

    .venv/bin/python tests/docs/shell_examples.py    # writes outputs that differ into the documents
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
HOME = "/home/ada/meterhouse"  # what documents call the folder in which commands are run
_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """A block to run; `output` is None where the document shows none. Offsets are of the output's text."""

    line: int
    command: str
    exit_code: int
    output: str | None
    output_start: int = 0
    output_end: int = 0


def examples(text: str) -> list[Example]:
    """The blocks of a document that are to be run, in order."""
    fences = list(_FENCE.finditer(text))
    found = []
    for fence, following in zip_longest(fences, fences[1:]):
        info = fence["info"].split()
        if "run" not in info:
            continue
        code = next((int(word.removeprefix("exit=")) for word in info if word.startswith("exit=")), 0)
        line = text.count("\n", 0, fence.start()) + 1
        if following is not None and following["info"] == "text output":
            span = following.span("text")
            found.append(Example(line, fence["text"], code, following["text"], *span))
        else:
            found.append(Example(line, fence["text"], code, None))
    return found


def documents() -> list[Path]:
    """Every document that has something to run."""
    candidates = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
    return [path for path in candidates if examples(path.read_text(encoding="utf-8"))]


@dataclass(frozen=True)
class Shell:
    """Runs commands in `folder`, where `meterhouse` is answered by the command server."""

    folder: Path
    bin_folder: Path

    def run(self, command: str) -> tuple[int, str]:
        """The exit code, and what was printed, as a document has it."""
        environment = {
            "PATH": f"{self.bin_folder}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
        }
        done = subprocess.run(
            ["bash", "-eu", "-c", command],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines = done.stdout.replace(str(self.folder), HOME).splitlines()
        return done.returncode, "\n".join(line.rstrip() for line in lines).strip("\n") + "\n"


@contextmanager
def shell(folder: Path) -> Iterator[Shell]:
    """A shell in `folder`; a server that has imported everything once answers for `meterhouse`."""
    bin_folder = folder / ".bin"
    bin_folder.mkdir()
    server = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("command_server.py"), bin_folder / "meterhouse"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n", "the command server didn't start"
        yield Shell(folder, bin_folder)
    finally:
        server.terminate()
        server.wait(timeout=30)


def matches(expected: str, found: str) -> bool:
    """Whether an output is as the document says."""
    pattern = re.escape(expected.rstrip()).replace(re.escape("..."), ".*")
    # How many rows a build writes and how often small files were merged may change; what they say may not.
    pattern = re.sub(r'(snapshot"?:?\\ )\d+', r"\1\\d+", pattern)
    pattern = re.sub(r"(rows\\ written:)[^;]+;", r"\1[^;]+;", pattern)
    return re.fullmatch(pattern, found.rstrip(), re.DOTALL) is not None


def prepare(running: Shell) -> None:
    """Make what documents take for granted: the example site of `make demo`."""
    code, said = running.run("meterhouse demo build/demo")
    assert code == 0, said


def _write_outputs(path: Path, running: Shell) -> None:
    text = path.read_text(encoding="utf-8")
    rewritten = text
    moved = 0
    for one in examples(text):
        code, said = running.run(one.command)
        if code != one.exit_code:
            raise SystemExit(f"{path}:{one.line}: expected exit code {one.exit_code}, found {code}\n{said}")
        if one.output is not None and not matches(one.output, said):
            start, end = one.output_start + moved, one.output_end + moved
            rewritten = rewritten[:start] + said + rewritten[end:]
            moved += len(said) - (end - start)
            print(f"{path}:{one.line}: output written")
    if rewritten != text:
        path.write_text(rewritten, encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name, shell(Path(name)) as started:
        prepare(started)
        for document in documents():
            _write_outputs(document, started)
