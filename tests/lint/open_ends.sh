# No source says that something is still to be done: that belongs into an issue.
# shellcheck shell=bash
# The marks are written in halves, so that this file does not contain them.
marks='\b(TO''DO|FIX''ME|X''XX)\b'
if project_files ':!*.md' ':!LICENSE' | xargs -0 -r grep -nIE "$marks"; then
  echo "the lines above are marked as unfinished"
  exit 1
fi
