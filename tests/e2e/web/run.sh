#!/usr/bin/env bash
# A real identity provider (oidc-provider of npm) on this machine, Chromium, and the tests against both.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
folder="$root/build/e2e-web"

missing=()
command -v npm >/dev/null && [ "$(node --version | tr -dc '0-9.' | cut -d. -f1)" -ge 20 ] || missing+=(nodejs npm)
command -v chromium >/dev/null || missing+=(chromium)
if [ ${#missing[@]} -gt 0 ]; then
    [ "$(id -u)" = 0 ] || { echo "as root, first: apt-get install --no-install-recommends ${missing[*]}" >&2; exit 1; }
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
fi
mkdir -p "$folder"
cp "$here/package.json" "$here/package-lock.json" "$here/provider.mjs" "$folder"
npm ci --prefix "$folder" --no-audit --no-fund --silent
METERHOUSE_E2E_WEB="$folder" "$root/.venv/bin/pytest" "$here" -q -p no:cacheprovider "$@"
