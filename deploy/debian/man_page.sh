#!/usr/bin/env bash
# Prints the manual page of a program, made from its --help.
#
# usage: man_page.sh PROGRAM SECTION DATE SUMMARY
# PROGRAM is a path. If it has commands, "PROGRAM help COMMAND…" tells of each.
set -euo pipefail

program=$1 section=$2 date=$3 summary=$4
name=${program##*/}

# Reads text, prints it as lines that stay as they are.
literal() {
  printf '.nf\n'
  sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^[.']/\\\\\\&&/"
  printf '.fi\n'
}

# The names under "Subcommands:".
commands_of() {
  "$program" help "$@" | sed -n '/^Subcommands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p'
}

command_pages() {
  local command
  for command in $(commands_of "$@"); do
    [ "$command" != help ] || continue
    printf '.SS "%s"\n' "${*:+$* }$command"
    "$program" help "$@" "$command" | sed "/^'lamppost help' shows/d" | literal
    command_pages "$@" "$command"
  done
}

printf '.TH %s %s "%s" "%s"\n' "${name^^}" "$section" "$date" "$("$program" --version)"
printf '.SH NAME\n%s \\- %s\n' "${name//-/\\-}" "$summary"
printf '.SH DESCRIPTION\n'
"$program" --help | literal
if "$program" --help | grep -q '^Subcommands:'; then
  printf '.SH COMMANDS\n'
  command_pages
fi
printf '.SH "SEE ALSO"\n.BR lamppost (1),\n.BR lamppost\\-kv (8),\n.BR lamppost\\-rpc (8)\n'
