# Installs the Debian packages a verb needs, as third_party/packages.txt lists them by group.
# Sourced after common.sh.
# shellcheck shell=bash

_package_list=$LAMPPOST_TOP/third_party/packages.txt

# Prints "package command reason…" for each package of the groups named.
_packages_of() {
  awk -v groups=" $* " '!/^#/ && NF && index(groups, " " $1 " ") && !seen[$2]++ { $1 = ""; print substr($0, 2) }' "$_package_list"
}

# A package counts as there if dpkg has it or if the command it is wanted for is on the PATH: a
# machine may have its Node.js or Go from elsewhere.
_is_there() {
  local package=$1 command=$2
  [ "$command" = - ] || ! command -v "$command" >/dev/null || return 0
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ]
}

_system_is_known() {
  local id version
  [ -r /etc/os-release ] || return 1
  id=$(. /etc/os-release && echo "${ID:-}")
  version=$(. /etc/os-release && echo "${VERSION_ID:-}")
  [ "$id $version" = "debian 12" ] || [ "$id $version" = "ubuntu 24.04" ]
}

_say_what_is_needed() {
  complain "./run knows how to install packages on Debian 12 and Ubuntu 24.04; this is neither."
  complain "The project is built and tested with these versions of Debian 12's packages; what is needed:"
  _packages_of "$@" | while read -r package _ reason; do
    printf '  %-26s %s\n' "$package" "$reason" >&2
  done
}

# apt's own index is read once in a script, and only when something is missing.
_apt_updated=no
_apt_install() {
  if [ "$_apt_updated" = no ]; then
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 update
    _apt_updated=yes
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends "$@"
}

# Of some packages only a tool is wanted, and their service must not start, now or with the system: it is masked
# before they are installed, and stays so until somebody unmasks it.
_mask_service_of() {
  local unit=/etc/systemd/system/$1.service
  case $1 in
    prometheus) [ -e "$unit" ] || as_root sh -c "mkdir -p '${unit%/*}' && ln -s /dev/null '$unit'" ;;
  esac
}

# need_packages GROUP…: installs what is missing of the groups, having said what and why.
need_packages() {
  if ! _system_is_known; then
    _say_what_is_needed "$@"
    exit 1
  fi
  local missing=() package command reason log
  while read -r package command reason; do
    _is_there "$package" "$command" && continue
    [ ${#missing[@]} -gt 0 ] || say "installing Debian packages:"
    printf '  %-26s %s\n' "$package" "$reason" >&2
    missing+=("$package")
    _mask_service_of "$package"
  done < <(_packages_of "$@")
  [ ${#missing[@]} -gt 0 ] || return 0

  log=$(mktemp)
  at_exit rm -f "$log"
  if ! _apt_install "${missing[@]}" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    die "apt-get could not install them (its last lines are above)"
  fi
}
