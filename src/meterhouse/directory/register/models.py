"""Who is there, and what ties them since when? Institutions, people, projects and their dated relations.

Ids are surrogates and never used again; names may repeat. What ties two things is dated, half-open
`[valid_from, valid_until)`, in days of the site. Nothing is deleted, and each change is kept with who,
when, before and after: rows say what was true when, their history says what was known when.
"""

from __future__ import annotations

from meterhouse.directory.register.contacts import ContactRole, PointOfContact, PostalAddress
from meterhouse.directory.register.funding import WHOLE, FundingSplit, InstitutionShare
from meterhouse.directory.register.institutions import (
    CareerLevel,
    FieldOfScience,
    Institution,
    InstitutionDomain,
    ProjectLevel,
)
from meterhouse.directory.register.people import Account, Person, PersonAffiliation
from meterhouse.directory.register.projects import (
    Project,
    ProjectField,
    ProjectMembership,
    ProjectParent,
    ProjectReference,
)
from meterhouse.directory.register.told import DirectoryImport, HierarchyNode, Identity

__all__ = [
    "WHOLE",
    "Account",
    "CareerLevel",
    "ContactRole",
    "DirectoryImport",
    "FieldOfScience",
    "FundingSplit",
    "HierarchyNode",
    "Identity",
    "Institution",
    "InstitutionDomain",
    "InstitutionShare",
    "Person",
    "PersonAffiliation",
    "PointOfContact",
    "PostalAddress",
    "Project",
    "ProjectField",
    "ProjectLevel",
    "ProjectMembership",
    "ProjectParent",
    "ProjectReference",
]
