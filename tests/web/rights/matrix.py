"""Who may see what? The expected answers of the rights matrix, by role; nothing of the code under test.

Ada leads Ocean, below which stands Tides, where Cyd is; both are Northfield's. Waves is funded 60 % by
Harbour and 40 % by Northfield; Bea, of Harbour, leads it. One VM belongs to nobody.
"""

from __future__ import annotations

ROLES = ("unlinked", "member", "pi", "northfield", "harbour", "staff", "administrator")
ALL_ITEMS = {"vm-ocean", "vm-tides", "vm-waves", "vm-nobody"}
NOTHING: set[str] = set()


def _by_role(unlinked: set[str], member: set[str], pi: set[str], northfield: set[str], harbour: set[str],
             staff: set[str]) -> dict[str, set[str]]:  # fmt: skip
    found = (unlinked, member, pi, northfield, harbour, staff, staff)
    return dict(zip(ROLES, found, strict=True))


# Core hours that a role's usage adds up to: 480 hours x 1, 2, 4 and 8 cores.
CORE_HOURS = {
    "unlinked": None,
    "member": 960,  # the project that Cyd is in
    "pi": 480 + 960,  # Ada's project and the one below it
    "northfield": 480 + 960 + 768,  # 40 % of Waves' 1920
    "harbour": 1152,  # 60 % of them
    "staff": 7200,
    "administrator": 7200,
}
ITEMS = _by_role(
    NOTHING,
    {"vm-tides"},
    {"vm-ocean", "vm-tides"},
    {"vm-ocean", "vm-tides", "vm-waves"},
    {"vm-waves"},
    ALL_ITEMS,
)
PROJECTS = _by_role(
    NOTHING,
    {"tides"},
    {"ocean", "tides"},
    {"ocean", "tides", "waves"},
    {"waves"},
    {"ocean", "tides", "waves"},
)
PEOPLE = _by_role(NOTHING, {"cyd"}, {"ada", "cyd"}, {"ada", "bea", "cyd"}, {"bea"}, {"ada", "bea", "cyd"})
INSTITUTIONS = _by_role(
    NOTHING,
    {"Northfield"},
    {"Northfield"},
    {"Northfield", "Harbour"},  # who funds the rest of Waves
    {"Northfield", "Harbour"},
    {"Northfield", "Harbour"},
)
POOLS = _by_role(NOTHING, NOTHING, {"ocean"}, {"ocean", "waves"}, {"waves"}, {"ocean", "waves"})

# Operations of the API whose rows differ by role: the column that tells rows apart, and what is expected.
ROWS = {
    "get spans": ("item", ITEMS),
    "get log": ("item", ITEMS),
    "get projects": ("code", PROJECTS),
    "get people": ("username", PEOPLE),
    "get institutions": ("name", INSTITUTIONS),
    "get pools": ("project", POOLS),
    "get statements": ("project", POOLS),
}
# Those whose rows are the same for every role: they name nobody.
SAME = ("get resources", "get meters", "get sources", "get coverage")
# Those about one project, and those about what an account asked for itself.
OF_A_PROJECT = ("get projects/{code}", "get projects/{code}/members")
OF_THE_ACCOUNT = (
    *("get me", "get reports", "get exports", "get schedules", "post schedules"),
    *("post reports", "post reports/storage", "post exports", "delete schedules/{schedule_id}"),
    *("get work/{work_id}", "get work/{work_id}/file", "delete work/{work_id}"),
)
OPERATIONS = {*ROWS, *SAME, *OF_A_PROJECT, *OF_THE_ACCOUNT, "get usage"}

SCOPES = {
    **dict.fromkeys(("get usage", "get resources", "get meters"), "usage"),
    **dict.fromkeys(("get spans", "get log"), "records"),
    **dict.fromkeys(("get sources", "get coverage"), "coverage"),
    **dict.fromkeys(("get projects", "get people", "get institutions", *OF_A_PROJECT), "directory"),
    **dict.fromkeys(("get pools", "get statements"), "allocations"),
    **dict.fromkeys((one for one in OF_THE_ACCOUNT if one != "get me"), "files"),
}

# Pages: who isn't logged in is sent to log in, an account without a person or institution is told so (403).
# "all" is for every other role, "staff" for those who run the site, "open" needs no account; what is only
# posted to is "posted".
PAGES = {
    "": "all",
    "explore": "all",
    "explore/download": "all",
    "explore/values": "all",
    "item": "all",
    "item/record": "all",
    "log": "all",
    "log/newest": "all",
    "pools": "all",
    "project": "all",
    "reports": "all",
    "reports/made": "all",
    "reports/notice": "all",
    "reports/ask": "posted",
    "reports/plan": "posted",
    "reports/<uuid:id_>/end": "posted",
    "reports/<uuid:id_>/file": "all",
    "saved": "all",
    "saved/save": "posted",
    "saved/<int:id_>/change": "posted",
    "saved/<int:id_>/panel": "all",
    "saved/shared/<str:key>": "all",
    "dashboards": "posted",
    "dashboards/<int:id_>": "all",
    "dashboards/<int:id_>/change": "posted",
    "dashboards/shared/<str:key>": "all",
    "storage": "all",
    "sources": "all",
    "sources/run": "posted",
    "accounts/login/": "open",
    "accounts/logout/": "open",
    "accounts/inactive/": "open",
    "accounts/signup/": "open",
    "accounts/password/change/": "account",
    "accounts/reauthenticate/": "account",
    "accounts/oidc/<str:provider_id>/login/": "open",
    "accounts/oidc/<str:provider_id>/login/callback/": "open",
    "accounts/providers/": "account",
    "accounts/providers/cancelled/": "open",
    "accounts/providers/error/": "open",
    "accounts/providers/signup/": "open",
}
