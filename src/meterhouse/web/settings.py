"""How is Django set up where pages are served? The register's settings, and what log-in and pages need.

Used by `meterhouse serve` and `meterhouse users` only: other commands know none of these apps. What depends
on the site (its database, key and address) is added by `web.configured`.
"""

from __future__ import annotations

from pathlib import Path

from meterhouse.register.settings import *  # noqa: F403
from meterhouse.register.settings import INSTALLED_APPS as REGISTER_APPS

FOLDER = Path(__file__).parent
STATIC_FOLDER = FOLDER / "static"
TEMPLATES_FOLDER = FOLDER / "templates"

INSTALLED_APPS = [
    "meterhouse.web.accounts",
    "meterhouse.web.work",
    "meterhouse.web.saved",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    # The admin under /admin/; unfold and its parts replace templates of those behind them.
    "unfold",
    "unfold.contrib.import_export",
    "unfold.contrib.simple_history",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "import_export",
    "simple_history",
    *REGISTER_APPS,
]
MIDDLEWARE = [
    "meterhouse.web.protection.protected",
    "meterhouse.web.accounts.addresses.with_client_address",
    "meterhouse.web.present.of_one_state",
    "meterhouse.web.api.problems.with_problems",
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [TEMPLATES_FOLDER],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "meterhouse.web.pages.frame.frame",
            ],
        },
    }
]
ROOT_URLCONF = "meterhouse.web.urls"
USE_I18N = False
ADMIN_STATIC_PACKAGES = ("unfold", "django.contrib.admin", "import_export")  # each has a folder static/
IMPORT_EXPORT_SKIP_ADMIN_LOG = True  # the history of each row says more
UNFOLD = {
    "SITE_TITLE": "Meterhouse",
    "SITE_HEADER": "Meterhouse",
    "SITE_SUBHEADER": "Directory and ledger",
    "SITE_URL": "/",
    "SHOW_VIEW_ON_SITE": False,
    "SIDEBAR": {"show_search": True, "show_all_applications": True},
}
FORM_RENDERER = "django.forms.renderers.DjangoTemplates"
CACHES = {"default": {"BACKEND": "meterhouse.web.accounts.shared.SharedCache"}}

AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "meterhouse.web.accounts.adapter.ClosedAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_UNIQUE_EMAIL = False  # nobody is found by mail address
SOCIALACCOUNT_ADAPTER = "meterhouse.web.accounts.adapter.ProviderAdapter"
SOCIALACCOUNT_LOGIN_ON_GET = False  # nobody is logged in by following a link
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_REQUESTS_TIMEOUT = 10
# A log-in counts as failed until it has succeeded: as many as a process has threads may be under way.
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "20/m/ip,5/5m/key"}

SESSION_COOKIE_NAME = "meterhouse_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_NAME = "meterhouse_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "meterhouse.web.pages.failures.refused_form"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
