"""Are the figures right? `verify(site)` counts everything again from the raw records and compares."""

from meterhouse.operations.verify.findings import Finding, Severity, Verification
from meterhouse.operations.verify.verification import verify

__all__ = ["Finding", "Severity", "Verification", "verify"]
