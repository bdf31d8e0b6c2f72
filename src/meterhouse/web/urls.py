"""What stands at which address?"""

from __future__ import annotations

from allauth.account import views as account
from allauth.socialaccount import views as provided
from allauth.socialaccount.providers.openid_connect import views as oidc
from django.urls import path

from meterhouse.web.admin import accounts as _accounts  # noqa: F401
from meterhouse.web.admin import directory as _directory  # noqa: F401
from meterhouse.web.admin import ledger as _ledger  # noqa: F401
from meterhouse.web.admin.site import admin_site
from meterhouse.web.api.api import api
from meterhouse.web.pages import (
    downloads,
    explore,
    failures,
    item,
    log,
    overview,
    pools,
    project,
    record,
    reports,
    saved,
    sources,
    storage,
)

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("explore", explore.explore, name="explore"),
    path("explore/values", explore.values, name="explore-values"),
    path("explore/download", downloads.download, name="download"),
    path("item", item.item, name="item"),
    path("item/record", record.record, name="record"),
    path("project", project.project, name="project"),
    path("pools", pools.pools, name="pools"),
    path("log", log.log, name="log"),
    path("log/newest", log.newest, name="log-newest"),
    path("storage", storage.storage, name="storage"),
    path("reports", reports.reports, name="reports"),
    path("reports/made", reports.made, name="reports-made"),
    path("reports/notice", reports.notice, name="reports-notice"),
    path("reports/ask", reports.ask, name="reports-ask"),
    path("reports/plan", reports.plan, name="reports-plan"),
    path("reports/<uuid:id_>/end", reports.end, name="reports-end"),
    path("reports/<uuid:id_>/file", reports.fetch, name="reports-file"),
    path("saved", saved.saved, name="saved"),
    path("saved/save", saved.save, name="save"),
    path("saved/<int:id_>/change", saved.change, name="change-question"),
    path("saved/<int:id_>/panel", saved.panel, name="panel"),
    path("saved/shared/<str:key>", saved.open_shared, name="shared-question"),
    path("dashboards", saved.make_dashboard, name="make-dashboard"),
    path("dashboards/<int:id_>", saved.dashboard, name="dashboard"),
    path("dashboards/<int:id_>/change", saved.change_dashboard, name="change-dashboard"),
    path("dashboards/shared/<str:key>", saved.open_shared_dashboard, name="shared-dashboard"),
    path("sources", sources.sources, name="sources"),
    path("sources/run", sources.run_source, name="run-source"),
    path("admin/", admin_site.urls),
    path("api/v1/", api.urls),
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/inactive/", account.account_inactive, name="account_inactive"),
    path("accounts/signup/", account.signup, name="account_signup"),
    path("accounts/password/change/", account.password_change, name="account_change_password"),
    path("accounts/reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("accounts/oidc/<str:provider_id>/login/", oidc.login, name="openid_connect_login"),
    path("accounts/oidc/<str:provider_id>/login/callback/", oidc.callback, name="openid_connect_callback"),
    path("accounts/providers/", provided.connections, name="socialaccount_connections"),
    path("accounts/providers/cancelled/", provided.login_cancelled, name="socialaccount_login_cancelled"),
    path("accounts/providers/error/", provided.login_error, name="socialaccount_login_error"),
    path("accounts/providers/signup/", provided.signup, name="socialaccount_signup"),
]
handler400 = failures.bad_request
handler403 = failures.forbidden
handler404 = failures.not_found
handler500 = failures.failed
