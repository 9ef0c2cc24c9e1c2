# C++ files are as clang-format 14 lays them out.
# shellcheck shell=bash
mapfile -d '' files < <(project_files '*.cc' '*.h')
[ "$LINT_MODE" = check ] || clang-format-14 -i "${files[@]}"
if ! found=$(clang-format-14 --dry-run -Werror --ferror-limit=3 "${files[@]}" 2>&1); then
  head -n 60 <<<"$found"
  echo "./run lint --fix lays out these files:"
  sed -nE 's/^([^: ]+):[0-9]+:[0-9]+: error:.*/  \1/p' <<<"$found" | sort -u
  exit 1
fi
