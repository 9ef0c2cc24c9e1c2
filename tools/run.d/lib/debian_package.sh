# Puts the Debian package together. Sourced after common.sh.
# shellcheck shell=bash

# _changelog FIELD: Version or Timestamp of the newest entry.
_changelog() { dpkg-parsechangelog -l "$LAMPPOST_TOP/deploy/debian/changelog" -S "$1"; }

# _man_page PROGRAM SECTION SUMMARY: in the tree at $1.
_man_page() {
  local tree=$1 program=$2 section=$3 summary=$4
  "$LAMPPOST_TOP/deploy/debian/man_page.sh" "$tree/bin/$program" "$section" \
    "$(date -u -d "@$(_changelog Timestamp)" +%Y-%m-%d)" "$summary" >"$tree/man/$program.$section"
}

# bundle_libraries STAGE: puts those libraries into STAGE/lib that the programs in STAGE/bin look for beside
# themselves (third_party/bazel/debian.bzl), and into STAGE/licences what Debian says of their licences.
bundle_libraries() {
  local stage=$1 library path package
  mkdir -p "$stage/lib" "$stage/licences"
  while read -r library; do
    path=$(readlink -f "$(gcc -print-file-name="$library")")
    install -m 644 "$path" "$stage/lib/$library"
    # By its name: dpkg may know the file by way of /lib.
    package=$(dpkg -S "*/x86_64-linux-gnu/${path##*/}" | head -n 1)
    package=${package%%:*}
    install -m 644 "/usr/share/doc/$package/copyright" "$stage/licences/$package"
  done < <(objdump -p "$stage"/bin/* | awk '$1 == "NEEDED" { print $2 }' |
    grep -E '^lib(prometheus-cpp|civetweb|z\b)' | sort -u)
  [ -s "$stage/lib/libz.so.1" ] || die "the programs do not look for the libraries that belong to them"
}

# pack_debian STAGE DIR: STAGE/bin has the programs, and the rest is bundle_libraries'; the package goes into DIR, and its path is printed. What is
# made here depends on nothing but the programs and deploy/.
pack_debian() {
  local stage=$1 dir=$2 tree=$1/lamppost version log=$1/log
  version=$(_changelog Version)
  [ "$("$stage/bin/lamppost" --version)" = "lamppost $version" ] ||
    die "deploy/debian/changelog is of version $version, which services/common/version.h is not"
  (
    umask 022
    mkdir -p "$tree"/{man,completion/{bash,zsh,fish}}
    cp -r "$LAMPPOST_TOP"/deploy/{debian,systemd,examples,grafana,prometheus} "$tree/"
    mv "$stage/bin" "$stage/licences" "$tree/"
    mkdir "$tree/lib"
    mv "$stage/lib" "$tree/lib/lamppost" # where the programs look from bin/ and from usr/bin alike
    # Of the source tree the modes are whatever the checkout has made them.
    chmod -R u=rwX,go=rX "$tree"
    _man_page "$tree" lamppost 1 "reads and writes a Lamppost cluster, and calls functions"
    _man_page "$tree" lamppost-kv 8 "node of a replicated key-value store"
    _man_page "$tree" lamppost-rpc 8 "server that runs functions at most once"
    "$tree/bin/lamppost" completion bash >"$tree/completion/bash/lamppost"
    "$tree/bin/lamppost" completion zsh >"$tree/completion/zsh/_lamppost"
    "$tree/bin/lamppost" completion fish >"$tree/completion/fish/lamppost.fish"
    cd "$tree"
    LC_ALL=C.UTF-8 TZ=UTC dpkg-buildpackage --build=binary --no-sign --no-check-builddeps
  ) >"$log" 2>&1 || {
    tail -n 40 "$log" >&2
    die "the package could not be put together (the last lines are above)"
  }
  mv -f "$stage/lamppost_${version}_amd64.deb" "$dir/"
  echo "$dir/lamppost_${version}_amd64.deb"
}
