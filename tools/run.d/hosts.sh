#!/usr/bin/env bash
# hosts: the package on hosts with a systemd of their own
#
# usage: ./run hosts [TEST…]
# As root: installs what it lacks, builds the package unless PACKAGE names one, and boots hosts from it that are
# containers on a bridge: units, installing, upgrading, removing; then three nodes on three hosts under cuts,
# kills, lost power, a full disk and an upgrade; TLS. TEST is a test's name, such as
# package_test.PackageTest.test_the_units_are_sound_and_hardened. Where hosts cannot be had it says why, and ends
# with 77.
source "$LAMPPOST_TOP/tools/run.d/lib/common.sh"
source "$LAMPPOST_TOP/tools/run.d/lib/packages.sh"
case ${1:-} in -*) no_options "$0" "$@" ;; esac

[ "$(id -u)" = 0 ] || {
  echo "only root can have hosts"
  exit 77
}
need_packages hosts
export PYTHONPATH=$LAMPPOST_TOP/tests/deploy PYTHONDONTWRITEBYTECODE=1
export LAMPPOST_HOSTS=$LAMPPOST_CACHE/hosts
mkdir -p "$LAMPPOST_HOSTS"
python3 - <<'PYTHON'
import os
import sys

import hosts

try:
    hosts.check_usable()
    hosts.base_image(os.environ["LAMPPOST_HOSTS"])
    hosts.check_boots(os.environ["LAMPPOST_HOSTS"])
except hosts.Unusable as reason:
    print(reason)
    sys.exit(77)
PYTHON
if [ -z "${PACKAGE:-}" ]; then
  ./run package
  PACKAGE=$(ls -t dist/lamppost_*_amd64.deb | head -n 1)
fi
LAMPPOST_PACKAGE=$(realpath "$PACKAGE")
export LAMPPOST_PACKAGE
[ $# -gt 0 ] || set -- package_test cluster_test operations_test tls_test ec2_test abuse_test
python3 -m unittest -v "$@"
