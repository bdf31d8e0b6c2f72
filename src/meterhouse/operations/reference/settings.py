"""What may stand in meterhouse.toml? Every key, from the models that check it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from meterhouse.operations.reference.markdown import code, codes, page, table
from meterhouse.settings import SETTINGS_FILE, Settings

# What each key decides. The models know type and default; a test fails for a key without a line here.
MEANINGS = {
    "sources.history_since": (
        "How far back the first reading asks. Without it: everything of a cloud, 15 days of Prometheus, "
        "31 days of Slurm."
    ),
    "site.name": "What the site is called in reports.",
    "site.time_zone": "IANA time zone that days, months and reports follow.",
    "web.url": "What people type to get to the web site. With https, cookies are sent over https only.",
    "web.public": "Whether anybody may see totals by resource, kind and time without logging in.",
    "web.proxies": (
        "Addresses or networks of the proxies in front: their `X-Forwarded-For` says where a request "
        "comes from."
    ),
    "web.requests_per_minute": "How many requests to the API an account may make, over all its tokens.",
    "web.unknown_requests_per_minute": (
        "How many requests to the API may come from an address without naming an account."
    ),
    "web.providers": "Identity providers with OpenID Connect, to log in by; programs show their tokens.",
    "web.providers.name": "What it is called in addresses; accounts stay tied to it.",
    "web.providers.title": "What people read on the log-in page.",
    "web.providers.issuer": "Its issuer, exactly as in its tokens; its configuration is read from there.",
    "web.providers.client_id": "What it calls this site.",
    "web.providers.client_secret": "The secret that goes with it, by reference.",
    "web.providers.scopes": "What it is asked for when somebody logs in.",
    "web.providers.person_claim": (
        "The claim that names a person of the directory. It must be one that people can't choose themselves."
    ),
    "web.providers.person_field": "What it is of a person in the directory: user name or mail address.",
    "web.providers.new_accounts": (
        "Whether a person of the directory gets an account, with the role `user`, at their first log-in."
    ),
    "web.providers.api_audience": (
        "What its tokens must be made for (`aud`) to be good for the API; not `client_id`. Without it, none."
    ),
    "web.providers.algorithms": "How tokens for the API may be signed.",
    "web.providers.clients": "Programs by the `sub` of their tokens, and the account that each stands for.",
    "register.url": "Where the register is: a file below the site, or `postgresql://user@host:port/database`.",
    "register.password": "The PostgreSQL password, by reference.",
    "warehouse.path": "Folder of the warehouse, below the site or absolute.",
    "warehouse.memory_limit": "How much memory a build or question may take before it spills to disk.",
    "warehouse.threads": "How many threads a build or question may use. Without it: one for each core.",
    "resources.name": "What the resource is called in commands, tables and files.",
    "resources.kind": "What it is.",
    "resources.title": "What people read instead of its name.",
    "resources.organization": "Who runs it.",
    "resources.time_zone": "IANA time zone of the resource.",
    "resources.capacity": "What it could give, and when: periods in order, without overlap.",
    "resources.capacity.start": "First day.",
    "resources.capacity.end": "The day after the last; without it the period is open.",
    "resources.capacity.cores": "Cores.",
    "resources.capacity.memory_gib": "Memory in GiB.",
    "resources.capacity.gpus": "GPUs.",
    "resources.capacity.nodes": "Nodes.",
    "sources.kind": "Which collector reads it.",
    "sources.name": "What the source is called in `meterhouse collect` and in coverage.",
    "sources.resource": "The declared resource that its records are about.",
    "sources.form": (
        "How Slurm is asked: `lines` of sacct with their steps, `json` of sacct, or `rest` for slurmrestd."
    ),
    "sources.command": (
        'What sacct is given to, word by word, such as `["ssh", "-o", "BatchMode=yes", "host"]`; '
        "empty: it is here."
    ),
    "sources.sacct": "Where sacct is.",
    "sources.clusters": "The clusters to ask about; empty: the one that sacct belongs to.",
    "sources.api_version": "The version of slurmrestd's API, as in its paths.",
    "sources.cloud": "The entry of `clouds.yaml` to use.",
    "sources.clouds_file": "The `clouds.yaml` to read, below the site; without it, where openstacksdk looks.",
    "sources.full_listing_every": "How often everything is listed, and not only what changed.",
    "sources.overlap": "How far before its last reading each reading begins.",
    "sources.host": "Host of the message bus.",
    "sources.port": "Port of the message bus.",
    "sources.virtual_host": "Virtual host of the message bus.",
    "sources.user": "User to log in as.",
    "sources.password": "That user's password, by reference.",
    "sources.queue": "The durable queue that Meterhouse makes for itself.",
    "sources.tls": "Whether to speak TLS.",
    "sources.url": "Where Prometheus or Thanos answers, up to before `/api/v1`.",
    "sources.cluster": "What the cluster is called where several are told apart.",
    "sources.token": "The bearer token to show, by reference.",
    "sources.ca_file": "Certificates to trust instead of the system's, below the site or absolute.",
    "sources.verify": "Whether the server must show a certificate that is trusted.",
    "sources.proxy": "The proxy to go through: `http://`, `https://` or `socks5://` with host and port.",
    "sources.step": "How far apart samples are; each stands for the step that begins with it.",
    "sources.chunk": "How much is asked for, and landed, at once: a multiple of the step.",
    "sources.settle": "How old a sample must be to be taken as there.",
    "sources.timeout": "How long one answer is waited for.",
    "sources.matchers": 'Label matchers for every selector, such as `cluster="prod"`.',
    "sources.queries": "PromQL by the name of a query, instead of ours.",
    "sources.labels": "Names of Prometheus labels by what they say: `gpu_product`, `pi`, `user`, `class` ...",
    "volumes.name": "What the volume is called in commands, tables and reports.",
    "volumes.resource": "The file system that it is on, or that it is.",
    "volumes.path": "Its top directory. Without it: what a scan begins with, if that is a directory.",
    "volumes.depth": (
        "To how many names below its top directories are told apart by class and age. Without it: what "
        "`roots` need, or 5."
    ),
    "volumes.roots": "Directories that hold a directory a project.",
    "volumes.roots.path": "Absolute path; in each name `*`, `?` and `[0-9]` mean what they do in a shell.",
    "volumes.roots.shown_as": "The path that people know it by, such as that of a symbolic link.",
    "volumes.roots.depth": "How many names below it are told apart: 2 is `PROJECT/SUBDIRECTORY`.",
    "volumes.directories": "Whether a scan keeps totals of every directory at every depth.",
    "volumes.entries": "Whether a scan keeps its own rows, sorted by path.",
    "volumes.scans": (
        "Files of its scans, below the site or absolute, as a shell's pattern: `mpistat/*_scratch119.dat.gz`."
        " `storage collect` takes the newest."
    ),
    "volumes.passwd_file": "passwd file that names user ids, below the site or absolute.",
    "volumes.group_file": "group file that names group ids.",
    "volumes.file_classes": "CSV file of file classes instead of ours.",
    "directory.kind": "What it is.",
    "directory.name": (
        "What it is called in `meterhouse directory import`; its ids belong to this name for good."
    ),
    "directory.inactive_after": (
        "After how many complete imports that no longer speak of something it is inactive."
    ),
    "directory.url": "Where its API answers. Keycloak older than 17: with `/auth` at the end.",
    "directory.proxy": "The proxy to go through.",
    "directory.verify": "Whether the server must show a certificate that is trusted.",
    "directory.ca_file": "Certificates to trust instead of the system's, below the site or absolute.",
    "directory.shape": ("The shape of its API: NERC's plug-in, ColdFront's own api plug-in, or ColdFront 2."),
    "directory.token": "ColdFront's API token, by reference.",
    "directory.token_url": "Where a bearer token is had by client credentials, instead of `token`.",
    "directory.client_id": "The client that asks.",
    "directory.client_secret": "Its secret, by reference.",
    "directory.resources": (
        "ColdFront: its resources, by `NAME-TYPE` or `NAME`, and what they are called here. LDAP: the "
        "resources on which groups are names of projects."
    ),
    "directory.reference_kinds": (
        "What a project's name on a resource of ours is, where ColdFront's type doesn't say it."
    ),
    "directory.id_attribute": "The attribute of an allocation that holds the project's id on the resource.",
    "directory.name_attribute": "The attribute that holds its name there.",
    "directory.realm": "The realm.",
    "directory.page": "How many entries are asked for at once.",
    "directory.institution_attribute": "The attribute that says a person's institution.",
    "directory.field_attribute": "The attribute that says a person's field of science.",
    "directory.career_level_attribute": "The attribute that says a person's career level.",
    "directory.start_tls": "Whether an `ldap://` connection is encrypted (StartTLS) before anything is said.",
    "directory.bind_dn": "Who binds. Without it: anonymous.",
    "directory.password": "Their password, by reference.",
    "directory.people_base": "Where people are.",
    "directory.groups_base": "Where groups are.",
    "directory.people_filter": "Which entries there are people.",
    "directory.groups_filter": "Which entries there are groups.",
    "directory.username_attribute": "The attribute that is a person's user name.",
    "directory.group_attribute": "The attribute that names a group.",
    "directory.title_attribute": "The attribute that is the project's title.",
    "directory.member_attribute": "The attribute that names members, by user name or DN.",
    "directory.pi_attribute": "The attribute of a group that names the PI, by user name or DN.",
    "directory.ref_attribute": "The attribute that usage records carry: `cn` or `gidNumber`.",
    "directory.reference_kind": "What a group is on these resources.",
    "directory.resource": "The declared resource that it is about.",
    "directory.program": "The `sacctmgr` to run.",
    "directory.cluster": "Only associations of this cluster.",
    "directory.people": (
        "Whether Keystone's users become people, too. It also holds the services' own users."
    ),
    "alerts.percentages": "At which percentages of an allocation somebody is told, once a crossing.",
    "alerts.mail": "The SMTP server that takes alerts; without it none is mailed.",
    "alerts.mail.host": "The server.",
    "alerts.mail.port": "Its port.",
    "alerts.mail.tls": "`starttls` after connecting, or `tls` from the start.",
    "alerts.mail.ca_file": "Certificates to trust instead of the system's, below the site or absolute.",
    "alerts.mail.user": "Who logs in there.",
    "alerts.mail.password": "Their password, by reference; only over TLS.",
    "alerts.mail.sender": "The address that mails come from.",
    "alerts.mail.to": "Who gets every alert.",
    "alerts.mail.leaders": "Whether the leaders of the project get it, at their addresses in the directory.",
    "alerts.webhook": "Where alerts are posted as JSON; without it none is.",
    "alerts.webhook.url": "The address.",
    "alerts.webhook.token": "A bearer token to show, by reference.",
    "alerts.webhook.proxy": "The proxy to go through.",
    "alerts.webhook.ca_file": "Certificates to trust instead of the system's, below the site or absolute.",
    "secret.env": "Name of the environment variable that holds the secret.",
    "secret.file": "File that holds the secret, below the site or absolute.",
}

_FORMATS = {"date": "date", "path": "path", "duration": "ISO 8601 duration"}


def settings_page() -> str:
    """A section for each table of meterhouse.toml."""
    schema = Settings.model_json_schema(by_alias=True)
    models = schema["$defs"]
    parts = [
        f"All keys of `{SETTINGS_FILE}`. An unknown key, a wrong type or a value out of range is an error "
        "that names the key, what was expected and, unless it may be a secret, what was found.",
    ]
    for name, field in schema["properties"].items():
        for heading, model in _models_of(name, field, models):
            parts.append(f"## {heading}")
            parts.append(model.get("description", ""))
            parts.append(table(["key", "value", "default", "meaning"], _rows(name, model, models)))
    parts.append("## Secrets")
    parts.append(models["Secret"]["description"])
    parts.append(table(["key", "value", "default", "meaning"], _rows("secret", models["Secret"], models)))
    return page("Settings", *parts)


def setting_keys() -> set[str]:
    """Every key that there is, as `MEANINGS` names them."""
    schema = Settings.model_json_schema(by_alias=True)
    models = schema["$defs"]
    keys = {
        f"{name}.{key}"
        for name, field in schema["properties"].items()
        for _, model in _models_of(name, field, models)
        for key, _, _ in _fields(model, models)
    }
    return keys | {f"secret.{key}" for key in models["Secret"]["properties"]}


def _models_of(name: str, field: dict[str, Any], models: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The models that a key of the whole file may hold, each with its heading."""
    if "$ref" in field:
        yield f"[{name}]", models[_name(field["$ref"])]
        return
    items = field["items"]
    if "$ref" in items:
        yield f"[[{name}]]", models[_name(items["$ref"])]
        return
    for kind, reference in items["discriminator"]["mapping"].items():
        yield f'[[{name}]] with kind = "{kind}"', models[_name(reference)]


def _fields(model: dict[str, Any], models: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Key, schema and whether it is required; keys within a list of tables follow theirs, with a dot."""
    required = set(model.get("required", ()))
    for key, field in model["properties"].items():
        yield key, field, key in required
        if table_of := _table_within(field):
            for inner, inner_field, is_required in _fields(models[table_of], models):
                yield f"{key}.{inner}", inner_field, is_required


def _table_within(field: dict[str, Any]) -> str | None:
    """The model of a table, or of a list of tables, that a key holds; secrets have a section of their own."""
    for one in (field, field.get("items", {}), *field.get("anyOf", ())):
        if "$ref" in one and _name(one["$ref"]) != "Secret":
            return _name(one["$ref"])
    return None


def _rows(name: str, model: dict[str, Any], models: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for key, field, is_required in _fields(model, models):
        default = "required" if is_required else _default(field)
        yield code(key), _value(field), default, MEANINGS.get(f"{name}.{key}", "")


def _value(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_value(one) for one in field["anyOf"] if one.get("type") != "null")
    if "$ref" in field:
        return "[reference](#secrets)" if _name(field["$ref"]) == "Secret" else "table"
    if "const" in field:
        return code(f'"{field["const"]}"')
    if "enum" in field:
        return codes(f'"{one}"' for one in field["enum"])
    if field.get("type") == "array":
        inner = field["items"]
        return "list of tables" if "$ref" in inner else f"list, each {_value(inner)}"
    words: str = _FORMATS.get(field.get("format", ""), field["type"])
    if "minimum" in field:
        words += f" from {field['minimum']}"
    if "maximum" in field:
        words += f" to {field['maximum']}"
    if "maxLength" in field:
        words += f", at most {field['maxLength']} characters"
    if "pattern" in field:
        words += f" like {code(field['pattern'])}"
    return words


def _default(field: dict[str, Any]) -> str:
    default = field.get("default")
    if default is None or default == []:
        return ""
    if field.get("format") == "duration":
        return code(f"{default}") + f" ({TypeAdapter(timedelta).validate_python(default)})"
    return code({True: "true", False: "false"}[default] if isinstance(default, bool) else f"{default}")


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]
