"""Run as a program, on behalf of staff: read a configured source now, and build what it said.

`python -m meterhouse.web.pages.run_source SITE SOURCE`. What it prints stands on the page of sources.
"""

from __future__ import annotations

import sys

from meterhouse.errors import MeterhouseError


def main(path: str, name: str) -> int:
    """0 when everything was read."""
    from meterhouse.operations.collection.collecting import chosen_sources, collect_source
    from meterhouse.site import Site
    from meterhouse.usage.build import build
    from meterhouse.usage.rollups import roll_up

    failed = False
    with Site.open(path) as site:
        for source in chosen_sources(site, [name]):
            for one in collect_source(site, source):
                print(f"{one.records} records, {one.landed.rejections} rejected", flush=True)
                for failure in one.failures:
                    failed = True
                    print(f"failed: {failure}", flush=True)
        report = build(site.warehouse, site.engine, site.settings.site.time_zone)
        roll_up(site.warehouse.view(), site.engine)
        print(f"built: {report.rows.get('span', 0)} spans", flush=True)
    return 4 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2]))
    except MeterhouseError as mistake:
        print(f"failed: {mistake}", flush=True)
        sys.exit(1)
