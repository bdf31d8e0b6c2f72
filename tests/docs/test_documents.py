"""The documents' commands do what the documents say."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from shell_examples import REPOSITORY, Shell, documents, examples, matches, prepare, shell

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_WRITTEN = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
_WRITTEN += sorted((REPOSITORY / "docs").rglob("*.md"))


def _name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with shell(tmp_path_factory.mktemp("documents")) as started:
        prepare(started)
        yield started


@pytest.mark.parametrize("document", documents(), ids=_name)
def test_commands_of_a_document_print_what_it_says(document: Path, running: Shell) -> None:
    for one in examples(document.read_text(encoding="utf-8")):
        code, said = running.run(one.command)
        assert code == one.exit_code, f"{_name(document)}:{one.line}: exit code {code}\n{said}"
        if one.output is not None:
            assert matches(one.output, said), f"{_name(document)}:{one.line} (`make docs`?), found:\n{said}"


def test_readme_and_tutorial_have_commands_to_run() -> None:
    assert {"README.md", "docs/tutorial.md"} <= {_name(path) for path in documents()}


@pytest.mark.parametrize("document", _WRITTEN, ids=_name)
def test_links_between_documents_lead_to_files(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    targets = [link.partition("#")[0] for link in _LINK.findall(text) if "://" not in link]
    missing = [target for target in targets if target and not (document.parent / target).exists()]
    assert missing == []
