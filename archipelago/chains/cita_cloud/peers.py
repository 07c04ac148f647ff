"""The container beside a node's services: it tells syncthing who has come and gone, and questions are asked in it."""

from __future__ import annotations

from archipelago.chains.cita_cloud import syncthing

LISTED = "/peers/config.xml"
FOLDER = "/data/config"  # syncthing's own, the only one of the volume that this container sees
APPLIED = "applied.xml"  # in it: what syncthing was started with; it writes into its config.xml itself
_RESTART = f"http://127.0.0.1:{syncthing.GUI}/rest/system/restart"

# syncthing reads the file when it starts. Its REST API takes the key that stands there: the chain's name, no secret.
# The list counts as applied when syncthing has said that it restarts.
# A shell that is process 1 ignores SIGTERM unless it traps it, and it runs the trap only where it waits.
SCRIPT = f"""set -u
umask 077
trap 'exit 0' TERM
cd {FOLDER}
failing=
while :; do
  sleep 5 & wait $!
  ! cmp -s {LISTED} {APPLIED} || continue
  cp -L {LISTED} {APPLIED}.new && cp {APPLIED}.new config.xml.new && mv config.xml.new config.xml || continue
  timeout 10 wget -q -O /dev/null --header "X-API-Key: $1" --post-data "" {_RESTART} & wait $!
  if [ $? = 0 ]; then
    mv {APPLIED}.new {APPLIED}
    echo "syncthing starts again: its list of nodes has changed"
    failing=
  elif [ -z "$failing" ]; then
    echo "syncthing does not answer; trying again every 5 s"
    failing=1
  fi
done
"""
