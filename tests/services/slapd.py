"""A real OpenLDAP on a free loopback port, with entries that a test gives."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

SUFFIX = "dc=uni,dc=edu"
ADMINISTRATOR = f"cn=admin,{SUFFIX}"
PASSWORD = "slapd-secret"


class SlapdMissing(Exception):
    """OpenLDAP isn't installed here."""


@contextmanager
def running_slapd(folder: Path, entries: Iterable[str], schema: str = "") -> Iterator[str]:
    """Start slapd with `entries` (LDIF) below SUFFIX, and give its URL; stop it at the end.

    `schema` are further lines of its configuration. No answer has more than 500 entries, but in pages.
    """
    program = shutil.which("slapd") or next((p for p in ("/usr/sbin/slapd",) if Path(p).exists()), None)
    if program is None or not Path("/etc/ldap/schema/inetorgperson.schema").exists():
        raise SlapdMissing("OpenLDAP is not installed (Debian: apt-get install slapd ldap-utils)")
    (folder / "data").mkdir()
    includes = "".join(
        f"include /etc/ldap/schema/{one}.schema\n" for one in ("core", "cosine", "nis", "inetorgperson")
    )
    (folder / "slapd.conf").write_text(
        f"{includes}{schema}modulepath /usr/lib/ldap\nmoduleload back_mdb\nsizelimit 500\n"
        f"pidfile {folder}/pid\n"
        f'database mdb\nsuffix "{SUFFIX}"\nrootdn "{ADMINISTRATOR}"\nrootpw {PASSWORD}\n'
        f"directory {folder}/data\nlimits * size.pr=500 size.prtotal=unlimited\nmaxsize 67108864\n"
    )
    (folder / "data.ldif").write_text("\n\n".join(entries))
    subprocess.run(
        [str(Path(program).with_name("slapadd")), "-f", folder / "slapd.conf", "-l", folder / "data.ldif"],
        check=True,
        capture_output=True,
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"ldap://127.0.0.1:{port}"
    server = subprocess.Popen(
        [program, "-f", folder / "slapd.conf", "-h", url, "-d", "0"], stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)
