"""Which rows does a role of Open XDMoD see? A user's own; a PI's own, and those of whom they are the PI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from meterhouse.feeds.xdmod.realms import Whose
from meterhouse.usage.attribution import text

if TYPE_CHECKING:
    from meterhouse.warehouse.engines.duckdb_engine import DuckDBEngine
    from meterhouse.warehouse.view import View

Role = Literal["user", "pi"]


@dataclass(frozen=True, slots=True)
class SeenBy:
    """Somebody in a role, by the login that records name."""

    role: Role
    login: str


def seen(by: SeenBy | None, whose: Whose) -> str:
    """SQL: a condition on rows u of a realm, each with the PI that `whose` says it has."""
    if by is None:
        return "TRUE"
    login = text(by.login)
    own = f"u.user_name = {login}"
    if by.role == "user":
        return own
    if whose == "group":
        return f"{own} OR u.group_name = {login}"
    return f"""{own} OR EXISTS (
        SELECT 1 FROM project_pi AS i
        WHERE i.resource = u.resource AND i.project_name = u.project_name AND i.login = {login})"""


def project_pis(view: View, engine: DuckDBEngine) -> dict[tuple[str, str], str]:
    """The login of each cloud project's PI, by resource and project name, as the newest import says."""
    said = view.select("xdmod_cloud_project")
    rows = engine.query(
        f"""WITH said AS ({said}), newest AS (SELECT MAX(recorded_at) AS moment FROM said)
        SELECT cloud, project_name, ARG_MAX(pi, record) AS pi
        FROM said WHERE recorded_at = (SELECT moment FROM newest)
        GROUP BY cloud, project_name""",
        name="xdmod project PIs",
    ).to_pylist()
    return {(row["cloud"], row["project_name"]): row["pi"] for row in rows}
