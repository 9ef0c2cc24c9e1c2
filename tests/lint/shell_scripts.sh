# Shell scripts parse, and shellcheck finds no fault in them.
# shellcheck shell=bash
scripts=()
while IFS= read -r -d '' file; do
  if [[ $file == *.sh ]] || head -n 1 "$file" | grep -qE '^#!.*\b(ba)?sh\b'; then
    scripts+=("$file")
  fi
done < <(project_files)
for file in "${scripts[@]}"; do
  bash -n "$file"
done
# Sourced files are checked on their own.
shellcheck --severity=warning --exclude=SC1090,SC1091 "${scripts[@]}"
