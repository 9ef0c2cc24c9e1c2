# The protos keep buf's STANDARD and COMMENTS rules and its layout.
# shellcheck shell=bash
find_buf || {
  status=$?
  echo "$WHY_NO_BUF"
  exit "$status"
}
[ "$LINT_MODE" = check ] || "$BUF" format -w
"$BUF" lint
"$BUF" format -d --exit-code
