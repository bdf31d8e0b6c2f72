#!/usr/bin/env bash
# A real Slurm on this machine, the tests against it, and away with it again.
# Set SLURM_KEEP=1 to leave it running. Where there is no root, or apt has no packages, it says so and passes.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
here=$root/tests/e2e/slurm
port=${SLURM_FIRST_PORT:-26800}

packages=(slurm-wlm slurmdbd slurm-client slurmrestd slurm-wlm-basic-plugins slurm-wlm-mysql-plugin munge mariadb-server)
skip() { echo "skipped: the tests against a real Slurm: $1" >&2; exit 0; }
[ "$(id -u)" = 0 ] || skip 'only root can start its daemons'
if ! command -v slurmctld slurmdbd slurmd slurmrestd munged mariadbd sacctmgr >/dev/null; then
    command -v apt-get >/dev/null || skip 'Slurm is missing, and there is no apt-get'
    apt-get update -qq || true
    apt-get install --simulate -qq "${packages[@]}" >/dev/null 2>&1 || skip "apt has no ${packages[*]}"
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${packages[@]}"
fi

# Below /tmp, as the daemons run as several users who all must get there.
state=${SLURM_STATE:-$(mktemp -d /tmp/meterhouse-slurm-XXXXXX)}
cluster() { "$root/.venv/bin/python" "$here/cluster.py" "$1" --state "$state" --first-port "$port"; }
away() { cluster down; rm -rf "$state"; }
[ "${SLURM_KEEP:-0}" = 1 ] || trap away EXIT
cluster up
METERHOUSE_E2E_SLURM=$state SLURM_FIRST_PORT=$port "$root/.venv/bin/pytest" "$here" -q -p no:cacheprovider "$@"
