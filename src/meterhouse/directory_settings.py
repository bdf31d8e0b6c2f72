"""Where do people and projects come from? The `[[directory]]` sections of meterhouse.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from meterhouse.settings_section import Name, Secret, Section

Url = Annotated[str, Field(pattern=r"^https?://[^/@\s]+(/.*)?$", max_length=2000)]
ReferenceKind = Literal["cloud_project", "namespace", "slurm_account", "unix_group", "path"]


class _DirectorySource(Section):
    name: Name
    inactive_after: int = Field(default=1, ge=1, le=1000)


class _HttpSource(_DirectorySource):
    url: Url
    proxy: str | None = Field(default=None, pattern=r"^(https?|socks5h?)://[^/@\s]+$")
    verify: bool = True
    ca_file: Path | None = None


class ColdFrontSource(_HttpSource):
    """A ColdFront portal: `shape` is that of its API, `resources` maps its resources to ours."""

    kind: Literal["coldfront"]
    shape: Literal["nerc", "core", "v2"] = "nerc"
    token: Secret | None = None
    token_url: Url | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    resources: dict[str, str] = {}
    reference_kinds: dict[str, ReferenceKind] = {}
    id_attribute: str = "Allocated Project ID"
    name_attribute: str = "Allocated Project Name"


class KeycloakSource(_HttpSource):
    """A realm of Keycloak, read through its admin API by client credentials."""

    kind: Literal["keycloak"]
    realm: str
    client_id: str
    client_secret: Secret
    page: int = Field(default=500, ge=1, le=10_000)
    institution_attribute: str = "cilogon_idp_name"
    field_attribute: str = "mss_research_domain"
    career_level_attribute: str | None = None


class LdapSource(_DirectorySource):
    """An LDAP directory of people and groups."""

    kind: Literal["ldap"]
    url: Annotated[str, Field(pattern=r"^ldap(s|i)?://\S*$")]
    start_tls: bool = False
    ca_file: Path | None = None
    bind_dn: str | None = None
    password: Secret | None = None
    page: int = Field(default=500, ge=1, le=10_000)
    people_base: str
    groups_base: str
    people_filter: str = "(objectClass=posixAccount)"
    groups_filter: str = "(objectClass=posixGroup)"
    username_attribute: str = "uid"
    institution_attribute: str = "o"
    career_level_attribute: str | None = None
    group_attribute: str = "cn"
    title_attribute: str = "description"
    member_attribute: str = "memberUid"
    pi_attribute: str | None = None
    ref_attribute: str = "cn"
    reference_kind: ReferenceKind = "unix_group"
    resources: tuple[str, ...] = ()


class SlurmSource(_DirectorySource):
    """Slurm's associations, as `sacctmgr` prints them."""

    kind: Literal["slurm"]
    resource: Name
    program: str = "sacctmgr"
    cluster: str | None = None


class KeystoneSource(_DirectorySource):
    """Keystone's projects, as they were collected from a cloud."""

    kind: Literal["keystone"]
    resource: Name
    people: bool = False


DirectorySource = Annotated[
    ColdFrontSource | KeycloakSource | LdapSource | SlurmSource | KeystoneSource, Field(discriminator="kind")
]
