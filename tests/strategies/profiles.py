"""How hard do the property tests try? HYPOTHESIS_PROFILE=thorough: many new examples."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

_CALM = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": True}

settings.register_profile("steady", derandomize=True, database=None, **_CALM)
settings.register_profile("thorough", **_CALM)

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
settings.load_profile("thorough" if THOROUGH else "steady")


def examples(steady: int) -> settings:
    """So many examples; forty times as many when asked to be thorough."""
    return settings(max_examples=steady * 40 if THOROUGH else steady)


def sites(steady: int) -> settings:
    """The like for tests that make sites: a site takes a second, so the steady profile shrinks nothing."""
    phases = list(Phase) if THOROUGH else [Phase.explicit, Phase.generate]
    return settings(max_examples=steady * 40 if THOROUGH else steady, phases=phases)
