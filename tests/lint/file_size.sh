# No file is longer than 450 lines: one that is holds more than one idea. Test data may be.
# shellcheck shell=bash
lines_max=450
long=$(project_files ':!LICENSE' ':!*/testdata/*' ':!*.plan' | xargs -0 -r grep -cIH '' |
  awk -F: -v max="$lines_max" '$NF > max { print $0 " lines, above " max }')
if [ -n "$long" ]; then
  echo "$long"
  exit 1
fi
