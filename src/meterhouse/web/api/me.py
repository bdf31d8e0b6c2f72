"""Who am I to this site? What a program asks first."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from meterhouse.web import present
from meterhouse.web.api.answers import require
from meterhouse.web.api.askers import asker_of
from meterhouse.web.api.document import PROBLEMS
from meterhouse.web.api.schemas import Me

router = Router(tags=["me"])


@router.get("/me", response={200: Me, **PROBLEMS}, summary="Who am I to this site?")
def me(request: HttpRequest) -> Me:
    """The account, its role, and for what its token is good."""
    asker = asker_of(request)
    require(request, "usage" if asker.right.totals_only else asker.good_for[0])
    return Me(
        name=asker.name,
        role=asker.visitor.role,
        scopes=["usage"] if asker.right.totals_only else asker.good_for,
        snapshot=present.view().snapshot,
    )
