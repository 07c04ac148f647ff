"""How a member starts: whose repository it is, the config and the swarm key that it gets each time, the daemon."""

from __future__ import annotations

from archipelago.chains.ipfs import config
from archipelago.chains.ipfs.places import (
    ANNOUNCE,
    API_ADDRESS,
    API_TOKEN,
    CONFIG,
    CONSOLE_TOKEN,
    FINGERPRINT,
    MARK,
    PRIVATE_KEY,
    REPOSITORY,
    RUN,
    STARTED,
    SWARM_KEY,
    TOOLS,
)
from archipelago.chains.ipfs.shell import BOOTSTRAPS
from archipelago.chains.process import STAY

# Arguments of both scripts, after the name: network, swarm, PeerID, whose members are dialled first, the API's address
# inside the pod, fingerprint of the key. Secrets are read from files, and only by the shell itself: what it printf's
# is in no process list, and nothing is echoed. The config is written anew at each start of the daemon, whole or not at
# all, so that nothing of an older one is left; `ipfs config` can set neither identity nor several keys at once.
# A mark is replaced where its line is printed: what stands in its place is printed as it is, and read by no program.
_COMMON = f"""set -eu
umask 077
network=$1 swarm=$2 id=$3 first=$4 api=$5 fingerprint=$6
export IPFS_PATH={REPOSITORY}
members=/peers/$swarm.members

{BOOTSTRAPS}
multiaddr() {{
  host=${{1%:*}} port=${{1##*:}}
  case $host in
    \\[*) kind=ip6 host=${{host#\\[}} host=${{host%\\]}} ;;
    *[!0-9.]*) kind=dns4 ;;
    *) kind=ip4 ;;
  esac
  printf '/%s/%s/tcp/%s\\n' "$kind" "$host" "$port"
}}

announced() {{
  while IFS= read -r end; do multiaddr "$end"; done < /config/{ANNOUNCE} | addresses
}}

quoted() {{
  sep=
  while IFS= read -r address; do
    printf '%s"%s"' "$sep" "$address"
    sep=,
  done
}}

put() {{
  before=${{line%%\\"@*}} after=${{line##*@\\"}}
  printf '%s%s%s\\n' "$before" "$1" "$after"
}}

fill() {{
  head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \\n' > {CONSOLE_TOKEN}
  while IFS= read -r line; do
    case $line in
      *'"{config.PRIVATE_KEY}"'*) put "\\"$(cat /identity/{PRIVATE_KEY})\\"" ;;
      *'"{config.API_TOKEN}"'*) put "\\"bearer:$(cat /identity/{API_TOKEN})\\"" ;;
      *'"{config.CONSOLE_TOKEN}"'*) put "\\"bearer:$(cat {CONSOLE_TOKEN})\\"" ;;
      *'"{config.ANNOUNCE}"'*) put "$(announced | quoted)" ;;
      *'"{config.BOOTSTRAP}"'*) put "$(bootstraps | quoted)" ;;
      *) printf '%s\\n' "$line" ;;
    esac
  done < /config/{CONFIG} > "$1.new"
  mv -f "$1.new" "$1"
}}

key() {{
  cp -fL /identity/{SWARM_KEY} "$IPFS_PATH/swarm.key.new"
  chmod 400 "$IPFS_PATH/swarm.key.new"
  mv -f "$IPFS_PATH/swarm.key.new" "$IPFS_PATH/swarm.key"
  printf %s "$fingerprint" > {FINGERPRINT}
}}
"""

# The `ipfs` of people in a console; scripts ask the API by themselves. kubo's program takes a token as an argument
# alone, so this one has another than the API's own: it ends with the daemon.
_CONSOLE = f"""#!/bin/sh
PATH=${{PATH#{TOOLS}:}}
case ${{1-}} in daemon | init) exec ipfs "$@" ;; esac
if [ -e /identity/{API_TOKEN} ]; then set -- "--api-auth=bearer:$(cat {CONSOLE_TOKEN})" "$@"; fi
exec ipfs "--api=$(cat {API_ADDRESS})" "$@"
"""

# A repository is made beside its place and moved there whole: a half-made one would never start. One without a mark may
# be of another tool, whose PeerID tells whose it is. What `ipfs init` prints are the config's paths and no key.
PREPARE = (
    _COMMON
    + f"""
refuse() {{
  echo "This volume holds $1. Nothing was touched." >&2
  echo "Bring the settings and the seed that made it back, then run pulumi up again." >&2
  echo "What starts anew is a member of another name." >&2
  exit 1
}}
mkdir -p {TOOLS}
printf %s "$api" > {API_ADDRESS}
cat > {TOOLS}/ipfs <<'END'
{_CONSOLE}END
chmod 755 {TOOLS}/ipfs

if [ -e {MARK} ]; then
  [ "$(cat {MARK})" = "$network $swarm $id" ] || refuse "the repository of $(cat {MARK})"
elif [ -e {REPOSITORY}/config ]; then
  tr -d ' \\n' < {REPOSITORY}/config | grep -qF "\\"PeerID\\":\\"$id\\"" || refuse "the repository of another PeerID"
elif [ -d {REPOSITORY} ]; then
  rmdir {REPOSITORY} 2>/dev/null || refuse "files in ${{IPFS_PATH##*/}} that are no repository"
fi
if [ ! -e {REPOSITORY}/config ]; then
  rm -rf {REPOSITORY}.new
  fill {RUN}/config
  IPFS_PATH={REPOSITORY}.new ipfs init --empty-repo {RUN}/config
  rm {RUN}/config
  sync
  mv {REPOSITORY}.new {REPOSITORY}
fi
rm -f {REPOSITORY}/api
has=$(cat {REPOSITORY}/version) needs=$(ipfs version --repo)
if [ "$has" -gt "$needs" ]; then
  refuse "a repository of a later kubo (version $has, and this one reads $needs)"
elif [ "$has" -lt "$needs" ]; then
  echo "migrating the repository from version $has to $needs"
  ipfs repo migrate
fi
fill {REPOSITORY}/config
key
printf %s "$network $swarm $id" > {MARK}.new
sync
mv -f {MARK}.new {MARK}
"""
)

# Also when the daemon alone starts again: its peers may have changed, and what runs must be what is mounted.
DAEMON = (
    _COMMON
    + f"""
fill {REPOSITORY}/config
key
rm -f {REPOSITORY}/api
cat /proc/sys/kernel/random/uuid > {STARTED}
shift 6
{STAY}stay {TOOLS}/ipfs daemon "$@"
"""
)
