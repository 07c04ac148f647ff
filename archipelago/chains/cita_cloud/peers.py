"""The container beside a node's services: it tells syncthing who has come and gone, and questions are asked in it."""

from __future__ import annotations

from archipelago.chains.cita_cloud import syncthing

LISTED = "/peers/config.xml"
FOLDER = "/data/config"  # syncthing's own, the only one of the volume that this container sees
APPLIED = "applied.xml"  # in it: what syncthing was started with; it writes into its config.xml itself
_RESTART = f"http://127.0.0.1:{syncthing.GUI}/rest/system/restart"

# No image here has a reader of XML, and syncthing stops at a file that it cannot read. So this one knows what
# `syncthing.config` writes: a line is an element that begins, ends, or does both.
WELL_FORMED = r"""well_formed() {
  LC_ALL=C awk '
    function name(text) { gsub(/^<\/?|[ >].*$/, "", text); return text }
    BEGIN {
      escape = "&(amp|lt|gt|quot|#[0-9]+);"
      opening = "<[A-Za-z]+( [A-Za-z]+=\"([^\"<&]|" escape ")*\")*"
      leaf = "^" opening ">([^<&]|" escape ")*</[A-Za-z]+>$"
    }
    { sub(/^ +/, "") }
    /[[:cntrl:]]/ { wrong = 1 }
    $0 ~ "^" opening " />$" { next }
    $0 ~ "^" opening ">$" { if (depth == 0 && roots++) wrong = 1; inside[++depth] = name($0); next }
    /^<\/[A-Za-z]+>$/ { if (depth == 0 || inside[depth--] != name($0)) wrong = 1; next }
    $0 ~ leaf && depth > 0 { end = $0; sub(/^.*<\//, "</", end); if (name($0) != name(end)) wrong = 1; next }
    { wrong = 1 }
    END { exit wrong || depth != 0 || !roots }
  ' "$1"
}
"""

# syncthing reads the file when it starts. Its REST API takes the key that stands there: the chain's name, no secret.
# The list counts as applied when syncthing has said that it restarts.
# A shell that is process 1 ignores SIGTERM unless it traps it, and it runs the trap only where it waits.
SCRIPT = f"""set -u
umask 077
trap 'exit 0' TERM
{WELL_FORMED}
cd {FOLDER}
failing=
while :; do
  sleep 5 & wait $!
  ! cmp -s {LISTED} {APPLIED} || continue
  cp -L {LISTED} {APPLIED}.new || continue
  if ! well_formed {APPLIED}.new; then
    [ "$failing" = list ] || echo "the list of nodes is not well-formed XML: syncthing keeps the one that it has"
    failing=list
    continue
  fi
  cp {APPLIED}.new config.xml.new && mv config.xml.new config.xml || continue
  timeout 10 wget -q -O /dev/null --header "X-API-Key: $1" --post-data "" {_RESTART} & wait $!
  if [ $? = 0 ]; then
    mv {APPLIED}.new {APPLIED}
    echo "syncthing starts again: its list of nodes has changed"
    failing=
  elif [ "$failing" != syncthing ]; then
    echo "syncthing does not answer; trying again every 5 s"
    failing=syncthing
  fi
done
"""
