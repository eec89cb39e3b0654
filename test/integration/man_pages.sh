#!/bin/bash
# Makes the man pages and looks whether each flag that --help names is in them.
# Usage: man_pages.sh PROGRAM FOLDER
set -euo pipefail
program=$1 folder=$2
hack/man "$program" "$folder"
for command in '' simulate explain; do
	page=$folder/c-sched${command:+-$command}.1
	# shellcheck disable=SC2086 # no subcommand is no argument
	flags=$("$program" $command --help | sed -nE 's/^ +(-[a-z], )?(--[a-z0-9-]+).*/\2/p')
	[ "$(wc -w <<<"$flags")" -gt 4 ]
	for flag in $flags; do
		grep -qE "^\\\\fB(.* )?${flag//-/\\\\-}\\\\fR" "$page" || { echo "$page has no $flag"; exit 1; }
	done
done
for page in "$folder"/*.1; do
	if command -v groff >/dev/null; then
		complaints=$(groff -ww -man -z "$page" 2>&1)
		[ -z "$complaints" ] || { echo "$complaints"; exit 1; }
	fi
done
