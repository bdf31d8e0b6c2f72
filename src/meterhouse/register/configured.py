"""How does a module import Django models? By importing this first: it sets Django up, once per process."""

from __future__ import annotations

import django
from django.apps import apps
from django.conf import settings as django_settings

from meterhouse.register import settings

if not django_settings.configured:
    django_settings.configure(**{name: getattr(settings, name) for name in dir(settings) if name.isupper()})
if not apps.ready:
    django.setup()
