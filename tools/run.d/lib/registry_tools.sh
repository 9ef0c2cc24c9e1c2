# Tools that Debian does not have: buf and buildifier from npm, grpcurl from Go's module proxy, cfn-lint from
# PyPI, in pinned versions, into .cache/. Which registries those are is the user's own configuration.
# Sourced after common.sh and packages.sh.
#
# find_TOOL sets the tool's path in $TOOL, or leaves that empty and sets WHY_NO_TOOL. It returns
# 0 if the tool is there, 77 if it cannot be had here (skip what needs it), 1 if it had to be.
# shellcheck shell=bash

BUF_VERSION=1.75.0
BUILDIFIER_VERSION=8.2.1
GRPCURL_VERSION=v1.8.9 # a release that Debian's Go 1.19 compiles
CFN_LINT_VERSION=1.58.0

export BUF='' BUILDIFIER='' GRPCURL='' CFN_LINT=''
export WHY_NO_BUF='' WHY_NO_BUILDIFIER='' WHY_NO_GRPCURL='' WHY_NO_CFN_LINT=''

_probe_seconds=60
_install_seconds=600

# _npm_tool COMMAND PACKAGE VERSION: prints the command's path, or why it cannot be had.
_npm_tool() {
  local command=$1 package=$2 version=$3 path dir=$LAMPPOST_CACHE/npm/$2-$3
  path=$(command -v "$command" || true)
  if [ -n "$path" ] && [[ "$("$path" --version 2>&1)" == *"$version"* ]]; then
    echo "$path"
    return 0
  fi
  path=$dir/node_modules/.bin/$command
  if [ -x "$path" ] && "$path" --version >/dev/null 2>&1; then
    echo "$path"
    return 0
  fi
  if ! command -v npm >/dev/null; then
    echo "there is no npm to install it with"
    return 77
  fi
  if ! timeout "$_probe_seconds" npm view --fetch-retries=1 "$package@$version" version >/dev/null 2>&1; then
    echo "npm's registry cannot be reached"
    return 77
  fi
  say "installing $package $version from npm into .cache/"
  mkdir -p "$dir"
  if ! timeout "$_install_seconds" npm install --prefix "$dir" --no-save --no-audit --no-fund --loglevel=error \
    "$package@$version" >&2 || ! "$path" --version >/dev/null 2>&1; then
    rm -rf "$dir"
    echo "npm's registry answers, but $package $version could not be installed"
    return 1
  fi
  echo "$path"
}

find_buf() {
  local answer status=0
  [ -z "$BUF" ] || return 0
  answer=$(_npm_tool buf @bufbuild/buf "$BUF_VERSION") || status=$?
  if [ "$status" = 0 ]; then BUF=$answer; else WHY_NO_BUF=$answer; fi
  _judge "$status"
}

find_buildifier() {
  local answer status=0
  [ -z "$BUILDIFIER" ] || return 0
  answer=$(_npm_tool buildifier @bazel/buildifier "$BUILDIFIER_VERSION") || status=$?
  if [ "$status" = 0 ]; then BUILDIFIER=$answer; else WHY_NO_BUILDIFIER=$answer; fi
  _judge "$status"
}

# Prints grpcurl's path, or why it cannot be had.
_grpcurl_path() {
  local module=github.com/fullstorydev/grpcurl bin=$LAMPPOST_CACHE/bin path work status=0
  path=$(command -v grpcurl || true)
  for path in "$bin/grpcurl" "$path"; do
    if [ -n "$path" ] && [ -x "$path" ] && "$path" -version >/dev/null 2>&1; then
      echo "$path"
      return 0
    fi
  done
  if ! command -v go >/dev/null; then
    echo "there is no Go to build it with"
    return 77
  fi
  mkdir -p "$bin"
  # Modules and objects are needed for this one build only.
  work=$(mktemp -d "$LAMPPOST_CACHE/go.XXXXXX")
  _go() { (cd "$work" && timeout "$_install_seconds" env GOPATH="$work" GOCACHE="$work/objects" GOBIN="$bin" GOTOOLCHAIN=local go "$@"); }
  if ! (_install_seconds=$_probe_seconds && _go list -m "$module@$GRPCURL_VERSION") >/dev/null 2>&1; then
    echo "Go's module proxy cannot be reached"
    status=77
  else
    say "building grpcurl $GRPCURL_VERSION from Go's module proxy into .cache/"
    if ! _go install -modcacherw "$module/cmd/grpcurl@$GRPCURL_VERSION" >"$work/log" 2>&1; then
      tail -n 5 "$work/log" >&2
      echo "Go's module proxy answers, but grpcurl $GRPCURL_VERSION could not be built"
      status=1
    else
      echo "$bin/grpcurl"
    fi
  fi
  chmod -R u+w "$work" && rm -rf "$work"
  return "$status"
}

find_grpcurl() {
  local answer status=0
  [ -z "$GRPCURL" ] || return 0
  answer=$(_grpcurl_path) || status=$?
  if [ "$status" = 0 ]; then GRPCURL=$answer; else WHY_NO_GRPCURL=$answer; fi
  _judge "$status"
}

# Prints cfn-lint's path, or why it cannot be had.
_cfn_lint_path() {
  local dir=$LAMPPOST_CACHE/pypi/cfn-lint-$CFN_LINT_VERSION path=bin/cfn-lint
  if [ -x "$dir/$path" ] && "$dir/$path" --version >/dev/null 2>&1; then
    echo "$dir/$path"
    return 0
  fi
  rm -rf "$dir"
  if ! python3 -m venv "$dir" >/dev/null 2>&1; then
    echo "there is no venv for Python here to install it in"
    return 77
  fi
  if ! timeout "$_probe_seconds" "$dir/bin/pip" -q download --no-deps -d "$dir/probe" "cfn-lint==$CFN_LINT_VERSION" >/dev/null 2>&1; then
    rm -rf "$dir"
    echo "PyPI cannot be reached"
    return 77
  fi
  say "installing cfn-lint $CFN_LINT_VERSION from PyPI into .cache/"
  if ! timeout "$_install_seconds" "$dir/bin/pip" -q install --disable-pip-version-check "cfn-lint==$CFN_LINT_VERSION" >&2; then
    rm -rf "$dir"
    echo "PyPI answers, but cfn-lint $CFN_LINT_VERSION could not be installed"
    return 1
  fi
  echo "$dir/$path"
}

find_cfn_lint() {
  local answer status=0
  [ -z "$CFN_LINT" ] || return 0
  answer=$(_cfn_lint_path) || status=$?
  if [ "$status" = 0 ]; then CFN_LINT=$answer; else WHY_NO_CFN_LINT=$answer; fi
  _judge "$status"
}

# Away from CI a tool that cannot be installed is only missed; in CI it must be there if its registry is.
_judge() {
  if [ "$1" = 1 ] && [ "${CI:-}" != true ]; then return 77; fi
  return "$1"
}
