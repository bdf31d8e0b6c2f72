"""What gets into the directory from LDAP (a real slapd), Slurm's associations, Keystone and a file?"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from meterhouse.directory.state import Directory
from meterhouse.errors import MeterhouseError
from meterhouse.operations.directory_import import import_statement
from meterhouse.site import Site
from meterhouse.sources.directory import keystone, ldap, slurm, toml_file
from meterhouse.sources.directory.http import DirectoryUnreachable
from meterhouse.sources.directory.statement import SaidProject, SaidReference, Statement
from services.slapd import PASSWORD, SlapdMissing, running_slapd

DAY, LATER = date(2026, 3, 1), date(2026, 4, 1)


@pytest.fixture(scope="session")
def slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real OpenLDAP with 600 people and two groups; its URL."""
    try:
        with running_slapd(tmp_path_factory.mktemp("slapd"), ldif()) as url:
            yield url
    except SlapdMissing as missing:
        pytest.skip(str(missing))


def ldif() -> Iterator[str]:
    yield "dn: dc=uni,dc=edu\nobjectClass: dcObject\nobjectClass: organization\no: Uni\ndc: uni"
    for unit in ("people", "groups"):
        yield f"dn: ou={unit},dc=uni,dc=edu\nobjectClass: organizationalUnit\nou: {unit}"
    for n in range(600):
        yield (
            f"dn: uid=u{n},ou=people,dc=uni,dc=edu\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\n"
            f"uid: u{n}\ncn: Person {n}\ngivenName: Person\nsn: Number {n}\nmail: u{n}@uni.edu\n"
            f"o: Northfield\nuidNumber: {1000 + n}\ngidNumber: 100\nhomeDirectory: /home/u{n}"
        )
    yield (
        "dn: cn=ocean,ou=groups,dc=uni,dc=edu\nobjectClass: posixGroup\nobjectClass: extensibleObject\n"
        "cn: ocean\ndescription: Ocean models\ngidNumber: 5001\nmemberUid: u1\nmemberUid: u2\n"
        "memberUid: gone\nowner: uid=u2,ou=people,dc=uni,dc=edu"
    )
    yield "dn: cn=tides,ou=groups,dc=uni,dc=edu\nobjectClass: posixGroup\ncn: tides\ngidNumber: 5002"


HABITS = ldap.LdapHabits(
    "uni", "ou=people,dc=uni,dc=edu", "ou=groups,dc=uni,dc=edu", pi="owner", resources=("scratch",)
)


def said_by_ldap(url: str, password: str = PASSWORD) -> Statement:
    return ldap.read(HABITS, *ldap.fetch(url, HABITS, "cn=admin,dc=uni,dc=edu", password))


def test_people_groups_members_and_pi_come_from_ldap(site: Site, slapd: str):
    imported = import_statement(site, said_by_ldap(slapd), effective=DAY)
    directory = Directory(site.register.alias)
    assert len(directory.people) == 600  # more than a page of 500, and than the server's own limit
    by_code = {one.code: one for one in directory.projects.values()}
    assert by_code["ocean"].title == "Ocean models"
    members = {
        directory.people[one.value.person].username: one.value.is_leader
        for one in directory.memberships[by_code["ocean"].id]
    }
    assert members == {"u1": False, "u2": True}
    assert {(one.resource, one.kind, one.ref) for one in directory.references} == {
        ("scratch", "unix_group", "ocean"),
        ("scratch", "unix_group", "tides"),
    }
    assert [one.reason for one in imported.skipped] == ["member: expected a known person, found 'gone'"]
    assert import_statement(site, said_by_ldap(slapd), effective=LATER).differences == ()


def test_a_wrong_ldap_password_is_told_without_being_shown(slapd: str):
    with pytest.raises(DirectoryUnreachable, match="expected to bind as cn=admin") as refused:
        said_by_ldap(slapd, "not-the-secret")
    assert "not-the-secret" not in str(refused.value)


@pytest.fixture(scope="session")
def encrypted_slapd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A real OpenLDAP that lets nobody bind in the clear: its URL, and the authority of its certificate."""
    folder = tmp_path_factory.mktemp("encrypted-slapd")
    certificate(folder, "127.0.0.1")
    schema = (
        f"TLSCertificateFile {folder}/server.pem\nTLSCertificateKeyFile {folder}/server.key\n"
        "security simple_bind=128\n"
    )
    try:
        with running_slapd(folder, ldif(), schema) as url:
            yield url, folder / "server.pem"
    except SlapdMissing as missing:
        pytest.skip(str(missing))


def certificate(folder: Path, address: str) -> None:
    """A self-signed certificate server.pem and its key server.key."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=slapd", "-addext", f"subjectAltName=IP:{address}",
         "-keyout", f"{folder}/server.key", "-out", f"{folder}/server.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


def test_starttls_encrypts_before_the_password_is_said(encrypted_slapd: tuple[str, Path]):
    url, authority = encrypted_slapd
    administrator = "cn=admin,dc=uni,dc=edu"
    people, groups = ldap.fetch(url, HABITS, administrator, PASSWORD, start_tls=True, ca_file=authority)
    assert (len(people), len(groups)) == (600, 2)
    with pytest.raises(DirectoryUnreachable, match="LDAPConfidentialityRequiredResult"):
        ldap.fetch(url, HABITS, administrator, PASSWORD)


def test_a_certificate_of_another_authority_is_refused(encrypted_slapd: tuple[str, Path], tmp_path: Path):
    url, _ = encrypted_slapd
    certificate(tmp_path, "127.0.0.1")
    for authority in (tmp_path / "server.pem", None):
        with pytest.raises(DirectoryUnreachable, match=r"expected a connection, found: .*certificate"):
            ldap.fetch(url, HABITS, "cn=admin,dc=uni,dc=edu", PASSWORD, start_tls=True, ca_file=authority)


def test_a_certificate_of_another_host_is_refused(encrypted_slapd: tuple[str, Path]):
    url, authority = encrypted_slapd
    elsewhere = url.replace("127.0.0.1", "localhost")  # the certificate is of the address alone
    with pytest.raises(DirectoryUnreachable, match="expected a connection"):
        ldap.fetch(elsewhere, HABITS, "cn=admin,dc=uni,dc=edu", PASSWORD, start_tls=True, ca_file=authority)


ASSOCIATIONS = """\
hpc|root||root|normal
hpc|science||root|normal
hpc|ocean||science|normal
hpc|ocean|ada||normal
hpc|ocean|bea||normal
other|elsewhere||root|normal
hpc|broken
"""


def test_accounts_are_a_tree_and_users_members(site: Site):
    statement = slurm.read("slurm", "hpc", ASSOCIATIONS, cluster="hpc")
    imported = import_statement(site, statement, effective=DAY)
    assert [str(one) for one in imported.differences] == [
        "+ person ada: ada",
        "+ person bea: bea",
        "+ project science: science",
        "+ project ocean: ocean",
        "+ parent ocean: science",
        "+ member ada of ocean",
        "+ member bea of ocean",
        "+ reference science on hpc: science",
        "+ reference ocean on hpc: ocean",
        "+ account ada on hpc: ada",
        "+ account bea on hpc: bea",
    ]
    assert [str(one) for one in imported.skipped] == ["associations, record 7: expected 5 fields, found 2"]


def test_a_member_who_left_is_no_member_from_that_day(site: Site):
    for day, text in ((DAY, ASSOCIATIONS), (LATER, ASSOCIATIONS.replace("hpc|ocean|bea||normal\n", ""))):
        imported = import_statement(site, slurm.read("slurm", "hpc", text, "hpc"), effective=day)
    assert {str(one) for one in imported.differences} == {
        "- member bea of ocean: valid_until nothing -> 2026-04-01",
        "- person bea: no longer spoken of; is_active True -> False",
    }


def test_the_command_that_asks_slurm_only_shows():
    assert slurm.command("sacctmgr", "hpc") == [
        "sacctmgr", "--parsable2", "--noheader", "show", "associations",
        "format=cluster,account,user,parentname,defaultqos", "cluster=hpc",
    ]  # fmt: skip


def test_a_program_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(DirectoryUnreachable, match="no-sacctmgr"):
        slurm.fetch(slurm.command(str(tmp_path / "no-sacctmgr")))


def keystone_project(id_: str, name: str, parent: str = "default", **more: object) -> dict[str, object]:
    return {
        "project_id": id_, "name": name, "domain_id": "default", "parent_id": parent, "enabled": True,
        "description": "", **more,
    }  # fmt: skip


def test_keystone_knows_projects_and_their_tree_but_takes_nothing_away(site: Site):
    """p1 is the portal's already: it stays so, under the portal's title."""
    portal = Statement(
        "portal",
        projects=[SaidProject("1", "Ocean models", code="ocean")],
        references=[SaidReference("1", "cloud", "cloud_project", "p1")],
    )
    import_statement(site, portal, effective=DAY)
    rows = [keystone_project("p1", "ocean-prod"), keystone_project("p2", "tides", "p1")]
    imported = import_statement(site, keystone.read("keystone", "cloud", rows), effective=DAY)
    assert [str(one) for one in imported.differences] == [
        "+ project tides: tides",
        "+ parent tides: ocean",
        "~ reference p1 on cloud: ocean",
        "+ reference p2 on cloud: tides",
    ]
    directory = Directory(site.register.alias)
    assert {one.title for one in directory.projects.values() if not one.is_root} == {"Ocean models", "tides"}


FILE = """
[[institutions]]
name = "Northfield"
domains = ["north.edu"]
[[people]]
username = "ada"
last_name = "Oka"
email = "ada@cs.north.edu"
[[projects]]
code = "ocean"
title = "Ocean"
shares = {Northfield = 33.3333, Harbour = 66.6667}
[[members]]
project = "ocean"
person = "ada"
leader = true
since = 2025-01-01
[[contacts]]
person = "ada"
role = "billing authority"
institution = "Northfield"
address = {line1 = "1 Quay"}
"""


def load(site: Site, path: Path, text: str):
    path.write_text(text)
    return import_statement(site, toml_file.read(path, "file"), effective=DAY)


def test_a_file_says_what_nobody_else_does(site: Site, tmp_path: Path):
    load(site, tmp_path / "directory.toml", FILE)
    directory = Directory(site.register.alias)
    (project,) = [one.id for one in directory.projects.values() if one.code == "ocean"]
    (split,) = directory.shares[project]
    assert sorted(part for _, part in split.value) == [333_333, 666_667]
    (affiliation,) = directory.affiliations.values()  # by the longest e-mail domain that fits
    institution = affiliation[0].value.institution
    assert institution is not None
    assert directory.institutions[institution] == "Northfield"
    assert load(site, tmp_path / "directory.toml", FILE).differences == ()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("shares = {Northfield = 50}", "shares: expected 100 % in all, found 50.0 %"),
        ("shares = {Northfield = 33.33333, Harbour = 66.66667}", "expected per cent with at most 4 decimals"),
        ('colour = "blue"', "expected key, title, code"),
        ('start = "soon"', "start: expected a day as YYYY-MM-DD, found 'soon'"),
        ('parent = "nowhere"', "parent: expected a known one, found 'nowhere'"),
    ],
)
def test_a_faulty_record_is_named_and_the_others_are_taken(site: Site, tmp_path: Path, said: str, told: str):
    text = f'[[projects]]\ncode = "good"\n[[projects]]\ncode = "faulty"\n{said}\n'
    imported = load(site, tmp_path / "directory.toml", text)
    assert "+ project good" in [str(one) for one in imported.differences]
    assert any(told in str(one) for one in imported.skipped), imported.skipped


@pytest.mark.parametrize(
    "text", ["[[people", "people = 1", "[[cats]]\nname = 'x'", "\ud800".encode("utf-8", "surrogatepass")]
)
def test_a_faulty_file_is_one_clear_line(tmp_path: Path, text: str | bytes):
    path = tmp_path / "directory.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(MeterhouseError, match=r"directory\.toml: expected"):
        toml_file.read(path, "file")
