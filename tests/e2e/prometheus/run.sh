#!/usr/bin/env bash
# A real Prometheus on this machine with a generated month of a cluster, and the tests against it.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)

if ! command -v prometheus >/dev/null || ! command -v promtool >/dev/null; then
    [ "$(id -u)" = 0 ] || { echo "as root, first: apt-get install --no-install-recommends prometheus" >&2; exit 1; }
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends prometheus
fi
METERHOUSE_E2E_PROMETHEUS=1 "$root/.venv/bin/pytest" "$root/tests/e2e/prometheus" -q -p no:cacheprovider "$@"
