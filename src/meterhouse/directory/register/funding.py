"""Who pays for a project, in which parts? Funding splits and the institutions' shares."""

from __future__ import annotations

from decimal import Decimal

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from meterhouse.directory.register.institutions import Institution
from meterhouse.directory.register.projects import Project
from meterhouse.directory.register.recorded import Dated, Recorded, dated, never_deleted
from meterhouse.register.constraints import RefusedWhen

PROTECT = models.PROTECT

# The whole, in the units of a share: 100 % are a million.
WHOLE = 1_000_000


class FundingSplit(Dated):
    """Who funds a project, in which shares: one split at a time. Counts once it is complete."""

    project = models.ForeignKey(Project, on_delete=PROTECT, related_name="funding_splits")
    is_complete = models.BooleanField(default=False)

    class Meta:
        constraints = [
            *dated("funding_split", "project"),
            RefusedWhen(
                name="funding_split_adds_up_to_the_whole",
                condition=f"""NEW.is_complete AND {WHOLE} <> (
                    SELECT COALESCE(SUM(s.millionths), 0) FROM directory_institutionshare AS s
                    WHERE s.split_id = NEW.id
                )""",
                on=("INSERT", "UPDATE"),
            ),
            RefusedWhen(
                name="funding_split_stays_complete",
                condition="OLD.is_complete AND NOT NEW.is_complete",
                on=("UPDATE",),
            ),
        ]


class InstitutionShare(Recorded):
    """An institution's part of a funding split, in millionths: 250,000 are 25 %."""

    split = models.ForeignKey(FundingSplit, on_delete=PROTECT, related_name="shares")
    institution = models.ForeignKey(Institution, on_delete=PROTECT, related_name="shares")
    millionths = models.IntegerField()

    class Meta:
        constraints = [
            never_deleted("institution_share"),
            UniqueConstraint(name="institution_share_is_one_a_split", fields=["split", "institution"]),
            CheckConstraint(
                name="institution_share_is_a_part_of_the_whole",
                condition=Q(millionths__gte=1, millionths__lte=WHOLE),
            ),
            RefusedWhen(
                name="institution_share_of_a_complete_split_stays",
                condition="""EXISTS (
                    SELECT 1 FROM directory_fundingsplit AS f WHERE f.id = NEW.split_id AND f.is_complete
                )""",
            ),
        ]

    @property
    def percent(self) -> Decimal:
        """The share in per cent, exactly."""
        return Decimal(self.millionths).scaleb(-4)
