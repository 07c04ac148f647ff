"""Process 1 of a container whose program cannot be one: a shell that stays, hands signals on and reaps."""

from __future__ import annotations

# The kernel gives process 1 every process whose parent has ended, as what a probe leaves behind that runs out of
# time. geth and kubo reap only their own children; a shell that waits reaps whatever ends. A wait that a
# signal ends says nothing about the program, so it is repeated until the program is gone; the container then ends as
# the program did. Works in busybox ash and in dash, with and without `set -e`.
STAY = """
stay() {
  child= stopped=
  trap 'stopped=1; [ -z "$child" ] || kill "$child" 2>/dev/null || :' TERM INT
  "$@" &
  child=$!
  [ -z "$stopped" ] || kill "$child"
  while :; do
    status=0
    wait "$child" || status=$?
    kill -0 "$child" 2>/dev/null || exit "$status"
  done
}
"""
"""A function of a script: `stay program argument…` runs a program as all that the container is for."""
