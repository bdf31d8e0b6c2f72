#!/usr/bin/env bash
# A real OpenStack on this machine, the timetable tests against it, and away with it again.
# Set OPENSTACK_KEEP=1 to leave it running; RECORD=1 to write its answers to tests/data/openstack.
set -euo pipefail
root=$(cd "$(dirname "$0")/../../.." && pwd)
here=$root/tests/e2e/openstack
state=${OPENSTACK_STATE:-$root/build/e2e-openstack}
venv=${OPENSTACK_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/meterhouse/openstack-venv}
port=${OPENSTACK_FIRST_PORT:-25000}
python=${PYTHON:-python3.11}

need=()
command -v mariadb-install-db >/dev/null || need+=(mariadb-server)
[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || need+=(rabbitmq-server)
if [ ${#need[@]} -gt 0 ]; then
    [ "$(id -u)" = 0 ] || { echo "as root, first: apt-get install --no-install-recommends ${need[*]}" >&2; exit 1; }
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${need[@]}"
fi
if ! cmp -s "$here/requirements.txt" "$venv/.installed"; then
    "$python" -m venv --clear "$venv"
    if [ -x "$root/.tools/bin/uv" ]; then
        VIRTUAL_ENV=$venv "$root/.tools/bin/uv" pip install --quiet -r "$here/requirements.txt"
    else
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    fi
    cp "$here/requirements.txt" "$venv/.installed"
fi

cloud() { "$python" "$here/cloud.py" "$1" --state "$state" --venv "$venv" --first-port "$port"; }
[ ! -d "$state/pids" ] || cloud down
[ ! -e "$state" ] || [ -e "$state/etc/keystone.conf" ] || { echo "$state is not a state directory of this script" >&2; exit 1; }
rm -rf "$state"
[ "${OPENSTACK_KEEP:-0}" = 1 ] || trap 'cloud down' EXIT
cloud up
METERHOUSE_E2E_OPENSTACK=$state OPENSTACK_FIRST_PORT=$port \
    "$root/.venv/bin/pytest" "$here" -q -p no:cacheprovider "$@"
