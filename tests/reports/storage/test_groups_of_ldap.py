"""Which groups are the site's own, and who is their PI, comes from a real OpenLDAP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scan_reading import Entry

from services.slapd import ADMINISTRATOR, PASSWORD, SUFFIX, SlapdMissing, running_slapd

# As the replaced pipeline finds its groups: a class of their own, with the PI as the name of an entry.
SCHEMA = """\
attributetype ( 1.3.6.1.4.1.99999.1.1 NAME 'sangerProjectPI' EQUALITY distinguishedNameMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.12 )
objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'sangerHumgenProjectGroup' SUP top AUXILIARY MAY sangerProjectPI )
"""
DIRECTORY = """
[[directory]]
name = "ldap"
kind = "ldap"
url = "{url}"
bind_dn = "{bind}"
password = {{ env = "LDAP_PASSWORD" }}
people_base = "ou=people,{suffix}"
groups_base = "ou=group,{suffix}"
groups_filter = "(objectClass=sangerHumgenProjectGroup)"
pi_attribute = "sangerProjectPI"
resources = ["lustre"]
"""


def entries() -> Iterator[str]:
    yield f"dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\no: Uni\ndc: uni"
    for unit in ("people", "group"):
        yield f"dn: ou={unit},{SUFFIX}\nobjectClass: organizationalUnit\nou: {unit}"
    for number, (login, name) in enumerate({"as1": "Smith", "bj2": "O'Brien"}.items()):
        yield (
            f"dn: uid={login},ou=people,{SUFFIX}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\n"
            f"uid: {login}\ncn: A {name}\ngivenName: A\nsn: {name}\nmail: {login}@uni.edu\no: Uni\n"
            f"uidNumber: {1000 + number}\ngidNumber: 100\nhomeDirectory: /home/{login}"
        )
    for group, gid, pi in (("hgi", 7, "as1"), ("humgen", 8, "bj2"), ("empty", 99, "bj2")):
        yield (
            f"dn: cn={group},ou=group,{SUFFIX}\nobjectClass: posixGroup\n"
            f"objectClass: sangerHumgenProjectGroup\n"
            f"cn: {group}\ngidNumber: {gid}\nmemberUid: as1\nsangerProjectPI: uid={pi},ou=people,{SUFFIX}"
        )
    yield f"dn: cn=left,ou=group,{SUFFIX}\nobjectClass: posixGroup\ncn: left\ngidNumber: 9"


@pytest.fixture(scope="module")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        with running_slapd(tmp_path_factory.mktemp("slapd"), entries(), SCHEMA) as url:
            yield url
    except SlapdMissing as missing:
        pytest.skip(str(missing))


def test_own_groups_and_their_pis_are_those_of_ldap(world, slapd, monkeypatch):
    monkeypatch.setenv("LDAP_PASSWORD", PASSWORD)
    with (world.path / "meterhouse.toml").open("a") as settings:
        settings.write(DIRECTORY.format(url=slapd, bind=ADMINISTRATOR, suffix=SUFFIX))
    world.done("directory", "import", "ldap", "--effective", "2024-01-01")
    top = b"/lustre/s119/realdata/mdt0/projects/"
    world.scan(
        "s119",
        "2024-01-05",
        Entry(top + b"p/a/x.bam", 10, gid=7),
        Entry(top + b"p/a/y", 20, gid=8, inode=2),
        Entry(top + b"q/z", 30, gid=9, inode=3),
        Entry(top + b"q/w", 40, gid=555, inode=4),
    )
    rows = world.table("storage", "groups", "2024-01-05", "--volume", "s119")
    assert [(row["pi"], row["group"], row["used_bytes"], row["is_own"]) for row in rows] == [
        ("O'Brien", "humgen", "20", "true"),
        ("Smith", "hgi", "10", "true"),
        ("", "555", "40", "false"),
        ("", "left", "30", "false"),
    ]
    rows = world.table("storage", "projects", "2024-01-05", "--volume", "s119")
    assert {(row["project"], row["pi"], row["group"]) for row in rows if not row["directory"]} == {
        ("projects/p", "O'Brien", "humgen"),
        ("projects/q", "", "555"),
    }
    before = world.table("storage", "groups", "2023-12-31", "--volume", "s119", "--within", "1", "--show")
    assert before == []
