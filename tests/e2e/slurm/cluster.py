"""How is a real Slurm started on this machine, and away with again? All on loopback, nothing below /etc.

    python cluster.py up|down --state DIR [--first-port N]

munge, MariaDB, slurmdbd, slurmctld and four slurmd from Debian's packages, without systemd, as root. The
cluster `testhpc` has four nodes of 64 CPUs, 250 GiB and four GPUs that are plain files.
"""

from __future__ import annotations

import argparse
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CLUSTER = "testhpc"
NODES = ("n1", "n2", "n3", "n4")
ACCOUNTS = {"physics": ("alice", "bob"), "chem": ("carol", "alice")}
USERS = ("alice", "bob", "carol")
DAEMON_USER = "slurm"
_PORTS = ("mariadb", "slurmdbd", "slurmctld", "n1", "n2", "n3", "n4")


@dataclass(frozen=True)
class Cluster:
    """Where everything of the test cluster is. Ports count up from `first_port`."""

    state: Path
    first_port: int = 26800

    def port(self, of: str) -> int:
        return self.first_port + _PORTS.index(of)

    @property
    def environment(self) -> dict[str, str]:
        """What Slurm's commands need to find this cluster, and no other."""
        return {
            **os.environ,
            "SLURM_CONF": str(self.state / "etc" / "slurm.conf"),
            "TZ": "UTC",
            "LC_ALL": "C",
        }

    def run(self, *command: str, user: str | None = None, check: bool = True) -> str:
        """The output of a command, run as `user` (default: root)."""
        prefix = ["runuser", "-u", user, "--"] if user else []
        done = subprocess.run(
            [*prefix, *command], env=self.environment, cwd=self.state, capture_output=True, text=True
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.returncode}: {done.stderr[-800:]}")
        return done.stdout.strip()

    def sql(self, statement: str) -> list[list[str]]:
        """The rows that slurmdbd's own database answers."""
        answer = self.run(
            *("mariadb", "--no-defaults", "-uroot", f"--socket={self.state}/mysql/my.sock"),
            *("--batch", "--skip-column-names", "slurm_acct_db", "-e", statement),
        )
        return [line.split("\t") for line in answer.splitlines()]

    def start_slurmdbd(self) -> None:
        """Start it, and wait until it answers; it adds up past hours when it starts."""
        self.run("/usr/sbin/slurmdbd", user=DAEMON_USER)
        until("slurmdbd", lambda: self._succeeds("sacctmgr", "--noheader", "show", "cluster"))

    def roll_up(self, since: str, months: str) -> None:
        """Have slurmdbd add up hours, days and months from `since` on, until it is done with `months`.

        It does so by itself once an hour; sacctmgr's `roll` asks for it now, and then waits for ever.
        """
        self.sql(
            f"DELETE FROM {CLUSTER}_last_ran_table; INSERT INTO {CLUSTER}_last_ran_table "
            "(hourly_rollup, daily_rollup, monthly_rollup) "
            f"SELECT since, since, since FROM (SELECT UNIX_TIMESTAMP('{since}') AS since) AS one"
        )
        asking = subprocess.Popen(
            ["sacctmgr", "roll", f"{since}T00:00:00"],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        done = f"SELECT 1 FROM {CLUSTER}_last_ran_table WHERE monthly_rollup >= UNIX_TIMESTAMP('{months}')"
        try:
            until("the roll-up", lambda: bool(self.sql(done)), 300)
        finally:
            asking.kill()
            asking.wait()

    def start_slurmrestd(self) -> Path:
        """Start it for `alice`, who may see everybody's jobs; its socket."""
        folder = self.state / "rest"
        folder.mkdir(exist_ok=True)
        shutil.chown(folder, "alice")
        socket = folder / "socket"
        with (self.state / "log" / "slurmrestd.log").open("ab") as log:
            process = subprocess.Popen(
                ["/usr/sbin/slurmrestd", "-a", "rest_auth/local", f"unix:{socket}"],
                env=self.environment,
                user="alice",
                group="alice",
                extra_groups=[],
                cwd="/",
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        (self.state / "run" / "slurmrestd.pid").write_text(str(process.pid))
        until("slurmrestd", socket.exists)
        return socket

    def stop(self, daemon: str) -> None:
        """Stop one daemon by the id that it wrote."""
        for path in (self.state / "run" / f"{daemon}.pid", self.state / daemon / f"{daemon}.pid"):
            if not path.exists():
                continue
            try:
                process = int(path.read_text().strip())
                os.kill(process, signal.SIGTERM)
            except (ValueError, ProcessLookupError):
                continue
            until(f"the end of {daemon}", lambda process=process: _has_ended(process), 30)

    def up(self) -> None:
        _make_users()
        self._make_folders()
        self._start_munge()
        self._start_mariadb()
        self._write_configuration()
        self.start_slurmdbd()
        self._make_accounts()
        self.run("/usr/sbin/slurmctld", user=DAEMON_USER)
        for node in NODES:
            self.run("/usr/sbin/slurmd", "-f", self.environment["SLURM_CONF"], "-N", node)
        until("nodes", lambda: self.run("sinfo", "-h", "-o", "%t %D", check=False) == f"idle {len(NODES)}")

    def down(self) -> None:
        for user in USERS:  # what runs outlives slurmd
            self.run("scancel", "--user", user, check=False)
        with suppress(RuntimeError):
            until("the end of all jobs", lambda: not self.run("squeue", "-h", check=False), 20)
        for daemon in (
            "slurmrestd",
            *[f"slurmd-{node}" for node in NODES],
            "slurmctld",
            "slurmdbd",
            "mysql",
            "munge",
        ):
            self.stop(daemon)

    def _succeeds(self, *command: str) -> bool:
        return subprocess.run(command, env=self.environment, capture_output=True).returncode == 0

    def _make_folders(self) -> None:
        owners = {"etc": "root", "log": DAEMON_USER, "run": DAEMON_USER, "state": DAEMON_USER}
        owners |= {"spool": DAEMON_USER, "munge": "munge", "mysql": "mysql"}
        self.state.mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o755)
        for name, owner in owners.items():
            (self.state / name).mkdir(exist_ok=True)
            (self.state / name).chmod(0o755)
            shutil.chown(self.state / name, owner)
        for number in range(4):
            (self.state / f"gpu{number}").touch()

    def _start_munge(self) -> None:
        folder = self.state / "munge"
        key = folder / "munge.key"
        if not key.exists():
            key.write_bytes(secrets.token_bytes(1024))
            shutil.chown(key, "munge")
            key.chmod(0o400)
        names = {"key-file": "munge.key", "socket": "munge.sock", "pid-file": "munge.pid"}
        names |= {"log-file": "munge.log", "seed-file": "munge.seed"}
        options = [f"--{option}={folder / name}" for option, name in names.items()]
        self.run("/usr/sbin/munged", *options, "--num-threads=10", user="munge")

    def _start_mariadb(self) -> None:
        folder = self.state / "mysql"
        if not (folder / "data" / "mysql").exists():
            self.run(
                *("mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={folder}/data"),
                "--auth-root-authentication-method=normal",
            )
        with (folder / "log").open("ab") as log:
            subprocess.Popen(
                [
                    *("/usr/sbin/mariadbd", "--no-defaults", "--user=mysql", f"--datadir={folder}/data"),
                    *(
                        f"--socket={folder}/my.sock",
                        f"--tmpdir={folder}",  # another server that starts would clear /tmp of our tables
                        f"--port={self.port('mariadb')}",
                        "--bind-address=127.0.0.1",
                    ),
                    *(f"--pid-file={folder}/mysql.pid", "--innodb-buffer-pool-size=128M"),
                    "--innodb-flush-log-at-trx-commit=0",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        ping = ("mariadb-admin", "--no-defaults", "-uroot", f"--socket={folder}/my.sock", "ping")
        until("MariaDB", lambda: self._succeeds(*ping))
        self.run(
            *("mariadb", "--no-defaults", "-uroot", f"--socket={folder}/my.sock", "-e"),
            "CREATE DATABASE IF NOT EXISTS slurm_acct_db;"
            "CREATE USER IF NOT EXISTS slurm@'127.0.0.1' IDENTIFIED BY 'slurm';"
            "CREATE USER IF NOT EXISTS slurm@localhost IDENTIFIED BY 'slurm';"
            "GRANT ALL ON slurm_acct_db.* TO slurm@'127.0.0.1';"
            "GRANT ALL ON slurm_acct_db.* TO slurm@localhost;",
        )

    def _write_configuration(self) -> None:
        files = {
            "slurmdbd.conf": _settings(
                AuthType="auth/munge",
                AuthInfo=f"socket={self.state}/munge/munge.sock",
                DbdHost="localhost",
                DbdAddr="127.0.0.1",
                DbdPort=self.port("slurmdbd"),
                SlurmUser=DAEMON_USER,
                StorageType="accounting_storage/mysql",
                StorageHost="127.0.0.1",
                StoragePort=self.port("mariadb"),
                StorageUser="slurm",
                StoragePass="slurm",
                StorageLoc="slurm_acct_db",
                PidFile=f"{self.state}/run/slurmdbd.pid",
                LogFile=f"{self.state}/log/slurmdbd.log",
            ),
            "slurm.conf": self._slurm_conf(),
            "gres.conf": f"NodeName=n[1-4] Name=gpu Type=a100 File={self.state}/gpu[0-3]\n",
        }
        for name, text in files.items():
            path = self.state / "etc" / name
            path.write_text(text)
            path.chmod(0o644)
        shutil.chown(self.state / "etc" / "slurmdbd.conf", DAEMON_USER)
        (self.state / "etc" / "slurmdbd.conf").chmod(0o600)

    def _slurm_conf(self) -> str:
        host = socket.gethostname().partition(".")[0]
        ports = f"[{self.port('n1')}-{self.port('n4')}]"
        return _settings(
            ClusterName=CLUSTER,
            SlurmctldHost=f"{host}(127.0.0.1)",
            SlurmctldPort=self.port("slurmctld"),
            AuthType="auth/munge",
            AuthInfo=f"socket={self.state}/munge/munge.sock",
            CredType="cred/munge",
            SlurmUser=DAEMON_USER,
            SlurmdUser="root",
            StateSaveLocation=f"{self.state}/state",
            SlurmdSpoolDir=f"{self.state}/spool/%n",
            SlurmctldPidFile=f"{self.state}/run/slurmctld.pid",
            SlurmdPidFile=f"{self.state}/run/slurmd-%n.pid",
            SlurmctldLogFile=f"{self.state}/log/slurmctld.log",
            SlurmdLogFile=f"{self.state}/log/slurmd-%n.log",
            ProctrackType="proctrack/linuxproc",
            TaskPlugin="task/none",
            SwitchType="switch/none",
            MpiDefault="none",
            ReturnToService=2,
            SlurmdParameters="config_overrides",
            SelectType="select/cons_tres",
            SelectTypeParameters="CR_Core_Memory",
            SchedulerParameters="bf_interval=3,sched_interval=2",
            JobAcctGatherType="jobacct_gather/linux",
            JobAcctGatherFrequency="task=1",
            AccountingStorageType="accounting_storage/slurmdbd",
            AccountingStorageHost="127.0.0.1",
            AccountingStoragePort=self.port("slurmdbd"),
            AccountingStoragePass=f"{self.state}/munge/munge.sock",  # where the clients find munge
            AccountingStorageEnforce="associations,limits,qos",
            AccountingStorageTRES="gres/gpu,gres/gpu:a100",
            PriorityType="priority/multifactor",
            GresTypes="gpu",
            MinJobAge=60,
            KillWait=2,
            SlurmdTimeout=300,
            DefMemPerCPU=1024,
        ) + (
            f"NodeName=n[1-4] NodeHostname={host} NodeAddr=127.0.0.1 Port={ports} CPUs=64 Boards=1 "
            "SocketsPerBoard=2 CoresPerSocket=32 ThreadsPerCore=1 RealMemory=256000 Gres=gpu:a100:4\n"
            "PartitionName=batch Nodes=ALL Default=YES MaxTime=7-0 State=UP\n"
            "PartitionName=gpu Nodes=n[3-4] MaxTime=2-0 State=UP\n"
        )

    def _make_accounts(self) -> None:
        def add(*what: str) -> None:
            self.run("sacctmgr", "--immediate", "add", *what, check=False)  # it may be there already

        add("cluster", CLUSTER)
        add("qos", "premium", "UsageFactor=2.0")
        for account, users in ACCOUNTS.items():
            add("account", account, f"Description={account}", "Organization=uni")
            for user in users:
                add("user", user, f"account={account}")
        self.run("sacctmgr", "--immediate", "modify", "user", "where", "name=alice", "set", "qos+=premium")


def _has_ended(process: int) -> bool:
    with suppress(ChildProcessError):
        os.waitpid(process, os.WNOHANG)
    return not Path(f"/proc/{process}").exists()


def _settings(**values: object) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _make_users() -> None:
    for user in (DAEMON_USER, *USERS):
        try:
            pwd.getpwnam(user)
        except KeyError:
            options = ["--system", "--shell", "/bin/false"] if user == DAEMON_USER else ["--create-home"]
            subprocess.run(["useradd", *options, user], check=True)


def until(what: str, is_so: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not is_so():  # type: ignore[operator]
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=("up", "down"))
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--first-port", type=int, default=26800)
    asked = parser.parse_args()
    cluster = Cluster(asked.state.resolve(), asked.first_port)
    cluster.up() if asked.action == "up" else cluster.down()
