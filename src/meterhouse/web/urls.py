"""What stands at which address?"""

from __future__ import annotations

from allauth.account import views as account
from django.urls import path

from meterhouse.web.api.api import api
from meterhouse.web.pages import downloads, explore, failures, item, overview, sources

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("explore", explore.explore, name="explore"),
    path("explore/values", explore.values, name="explore-values"),
    path("explore/download", downloads.download, name="download"),
    path("item", item.item, name="item"),
    path("sources", sources.sources, name="sources"),
    path("api/v1/", api.urls),
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/inactive/", account.account_inactive, name="account_inactive"),
    path("accounts/signup/", account.signup, name="account_signup"),
    path("accounts/password/change/", account.password_change, name="account_change_password"),
    path("accounts/reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
]
handler400 = failures.bad_request
handler403 = failures.forbidden
handler404 = failures.not_found
handler500 = failures.failed
