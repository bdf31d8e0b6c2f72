"""How is each configured portal, identity provider or scheduler read? Settings and readers meet here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from meterhouse.directory_settings import (
    ColdFrontSource,
    KeycloakSource,
    KeystoneSource,
    LdapSource,
    SlurmSource,
)
from meterhouse.errors import ConfigurationError, MeterhouseError
from meterhouse.settings import SETTINGS_FILE
from meterhouse.sources.directory import coldfront, keycloak, keystone, ldap, slurm
from meterhouse.sources.directory.http import Api, DirectoryUnreachable, http_client
from meterhouse.sources.directory.statement import Statement, Unusable

if TYPE_CHECKING:
    from meterhouse.site import Site

AnySource = ColdFrontSource | KeycloakSource | LdapSource | SlurmSource | KeystoneSource


def find_source(site: Site, name: str) -> AnySource:
    """The `[[directory]]` section of that name. Raises ConfigurationError that lists the known ones."""
    for source in site.settings.directory:
        if source.name == name:
            return source
    known = ", ".join(source.name for source in site.settings.directory) or "none"
    raise ConfigurationError(f"directory: expected one declared in {SETTINGS_FILE} ({known}), found {name!r}")


def said_by(site: Site, source: AnySource, files: Sequence[Path] = ()) -> Statement:
    """What a source says now; with `files`, what it said when they were saved."""
    try:
        if isinstance(source, ColdFrontSource):
            return _coldfront(site, source, files)
        if isinstance(source, KeycloakSource):
            return _keycloak(site, source, files)
        if isinstance(source, LdapSource):
            _no_files(source, files)
            return _ldap(site, source)
        if isinstance(source, SlurmSource):
            return _slurm(source, files)
        _no_files(source, files)
        return _keystone(site, source)
    except Unusable as problem:
        raise DirectoryUnreachable(f"directory {source.name}: {problem}") from None


def _coldfront(site: Site, source: ColdFrontSource, files: Sequence[Path]) -> Statement:
    habits = coldfront.ColdFrontHabits(
        source.name,
        {**{one.name: one.name for one in site.settings.resources}, **source.resources},
        source.reference_kinds,
        source.id_attribute,
        source.name_attribute,
    )
    if files:
        said = [_json(path) for path in files]
        projects = said[1] if source.shape == "core" and len(said) > 1 else []
        return coldfront.read(habits, source.shape, _records(said[0]), _records(projects))
    with http_client(source.proxy, _trusted(site, source)) as client:
        if source.token_url is not None:
            if source.client_id is None or source.client_secret is None:
                raise ConfigurationError(f"directory.{source.name}: expected client_id and client_secret")
            secret = source.client_secret.reveal(site.path)
            headers = keycloak.ClientCredentials(client, source.token_url, source.client_id, secret).headers
        elif source.token is not None:
            token = source.token.reveal(site.path)

            def headers(renew: bool) -> Mapping[str, str]:
                return {"Authorization": f"Token {token}"}

        else:
            raise ConfigurationError(f"directory.{source.name}: expected token, or token_url")
        api = Api(client, source.url, headers)
        projects = coldfront.fetch_projects(api) if source.shape == "core" else []
        return coldfront.read(habits, source.shape, coldfront.fetch(api, source.shape), projects)


def _keycloak(site: Site, source: KeycloakSource, files: Sequence[Path]) -> Statement:
    habits = keycloak.KeycloakHabits(
        source.name, source.institution_attribute, source.field_attribute, source.career_level_attribute
    )
    if files:
        return keycloak.read(habits, [one for path in files for one in _records(_json(path))])
    with http_client(source.proxy, _trusted(site, source)) as client:
        credentials = keycloak.ClientCredentials(
            client,
            keycloak.token_url(source.url, source.realm),
            source.client_id,
            source.client_secret.reveal(site.path),
        )
        api = Api(client, source.url, credentials.headers)
        return keycloak.read(habits, keycloak.fetch(api, source.realm, source.page))


def _ldap(site: Site, source: LdapSource) -> Statement:
    habits = ldap.LdapHabits(
        source=source.name,
        people_base=source.people_base,
        groups_base=source.groups_base,
        people_filter=source.people_filter,
        groups_filter=source.groups_filter,
        username=source.username_attribute,
        institution=source.institution_attribute,
        career_level=source.career_level_attribute,
        group=source.group_attribute,
        title=source.title_attribute,
        member=source.member_attribute,
        pi=source.pi_attribute,
        ref=source.ref_attribute,
        resources=source.resources,
        kind=source.reference_kind,
    )
    password = source.password.reveal(site.path) if source.password else None
    people, groups = ldap.fetch(
        source.url,
        habits,
        source.bind_dn,
        password,
        source.page,
        start_tls=source.start_tls,
        ca_file=site.path / source.ca_file if source.ca_file else None,
    )
    return ldap.read(habits, people, groups)


def _slurm(source: SlurmSource, files: Sequence[Path]) -> Statement:
    if files:
        text = "\n".join(_text(path) for path in files)
    else:
        text = slurm.fetch(slurm.command(source.program, source.cluster))
    return slurm.read(source.name, source.resource, text, source.cluster)


def _keystone(site: Site, source: KeystoneSource) -> Statement:
    """The newest listing that was complete: what isn't in it any more is gone."""
    view = site.warehouse.view()
    tables = ["openstack_project", *(["openstack_user"] if source.people else [])]
    found: list[list[dict[str, Any]]] = []
    with site.engine() as engine, view.reading():
        for table in tables:
            engine.relation("listed", view.select(table))
            newest = (
                "SELECT * FROM listed WHERE resource = $resource AND observed_at = "
                "(SELECT MAX(observed_at) FROM listed WHERE resource = $resource)"
            )
            found.append(engine.query(newest, {"resource": source.resource}, name=table).to_pylist())
    return keystone.read(source.name, source.resource, *found)


def _no_files(source: AnySource, files: Sequence[Path]) -> None:
    if files:
        raise ConfigurationError(f"directory.{source.name}: expected no file for {source.kind}")


def _trusted(site: Site, source: ColdFrontSource | KeycloakSource) -> bool | str:
    return str(site.path / source.ca_file) if source.ca_file else source.verify


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise MeterhouseError(f"{path}: expected a file, found: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise MeterhouseError(f"{path}: expected UTF-8, found other bytes at {error.start}") from None


def _json(path: Path) -> Any:
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise MeterhouseError(f"{path}: expected JSON, found: {error}") from None


def _records(said: Any) -> list[Any]:
    """The records of an answer that was saved: a bare list, or a page with `results`."""
    if isinstance(said, dict) and isinstance(said.get("results"), list):
        said = said["results"]
    if not isinstance(said, list):
        raise MeterhouseError(f"directory: expected a list of records, found {type(said).__name__}")
    return said
