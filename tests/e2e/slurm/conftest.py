"""The test cluster, its timetable as it was played, and sites that collected from it in each form."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

STATE = os.environ.get("METERHOUSE_E2E_SLURM")
METERHOUSE = Path(sys.executable).parent / "meterhouse"
FORMS = ("lines", "json", "rest")

if STATE is None:
    collect_ignore_glob = ["test_*.py"]


class CollectingSite:
    """A site with one source, the test cluster, and the commands on it."""

    def __init__(self, folder: Path, environment: dict[str, str], source: str) -> None:
        self.folder = folder
        self.environment = environment
        self.run("init", str(folder), here=folder.parent)
        with (folder / "meterhouse.toml").open("a") as settings:
            settings.write(
                '\n[[resources]]\nname = "hpc"\nkind = "cluster"\n'
                '\n[[sources]]\nname = "accounting"\nkind = "slurm"\nresource = "hpc"\n' + source
            )

    def run(self, *words: str, here: Path | None = None, code: int = 0) -> str:
        done = subprocess.run(
            [str(METERHOUSE), *words],
            cwd=here or self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def collect_and_build(self) -> None:
        self.run("collect")
        self.run("build")

    def query(self, sql: str, table: str = "span") -> list[dict[str, Any]]:
        """Rows of `sql` over one table, which it calls by its name."""
        from meterhouse.site import Site

        with Site.open(self.folder) as site, site.engine() as engine:
            engine.relation(table, site.warehouse.view().select(table))
            return engine.query(sql).to_pylist()


@pytest.fixture(scope="session")
def cluster():
    from cluster import Cluster

    return Cluster(Path(str(STATE)), int(os.environ.get("SLURM_FIRST_PORT", "26800")))


@pytest.fixture(scope="session")
def played(cluster):
    """The cluster after the timetable; one job still runs."""
    from timetable import play

    play(cluster)
    return cluster


@pytest.fixture(scope="session")
def new_site(cluster, tmp_path_factory):
    def new(source: str) -> CollectingSite:
        return CollectingSite(tmp_path_factory.mktemp("site") / "site", cluster.environment, source)

    return new


@pytest.fixture(scope="session", params=FORMS)
def site(request, played, new_site) -> CollectingSite:
    """What was collected in one form: twice, as what is told again changes nothing."""
    source = f'form = "{request.param}"\nclusters = ["testhpc"]\n'
    if request.param == "rest":
        source = f'form = "rest"\nurl = "unix:{played.start_slurmrestd()}"\n'
    made = new_site(source)
    made.run("collect")
    made.collect_and_build()
    return made
