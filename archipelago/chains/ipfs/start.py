"""How a member starts: whose repository it is, the config and the swarm key that it gets each time, the daemon."""

from __future__ import annotations

from archipelago.chains.ipfs import config
from archipelago.chains.ipfs.places import (
    ANNOUNCE,
    API_TOKEN,
    BOOTSTRAP,
    CONFIG,
    FINGERPRINT,
    MARK,
    PRIVATE_KEY,
    PUBLISHED,
    REPOSITORY,
    RUN,
    STARTED,
    SWARM_KEY,
    TOOLS,
)
from archipelago.chains.process import STAY

# Arguments of both scripts, after the name: network, swarm, PeerID, whose members are dialled first, the API's address
# inside the pod, fingerprint of the key. Secrets are read from files, and only by the shell itself: what it printf's
# is in no process list, and nothing is echoed. The config is written anew at each start of the daemon, whole or not at
# all, so that nothing of an older one is left; `ipfs config` can set neither identity nor several keys at once.
_COMMON = f"""set -eu
umask 077
network=$1 swarm=$2 id=$3 first=$4 api=$5 fingerprint=$6
export IPFS_PATH={REPOSITORY}
members=/peers/$swarm.members

multiaddr() {{
  host=${{1%:*}} port=${{1##*:}}
  case $host in
    \\[*) kind=ip6 host=${{host#\\[}} host=${{host%\\]}} ;;
    *[!0-9.]*) kind=dns4 ;;
    *) kind=ip4 ;;
  esac
  printf '/%s/%s/tcp/%s\\n' "$kind" "$host" "$port"
}}

quoted() {{
  awk '{{ printf "%s\\"%s\\"", sep, $0; sep = "," }}'
}}

bootstraps() {{
  cat /config/{BOOTSTRAP}
  [ ! -e "$members" ] || awk -v first="$first" -v own="$id" -v swarm="$swarm" '
    FILENAME == ARGV[1] {{ if ($1 == swarm) told[$2] = 1; next }}
    $2 != own && ($1 == first || told[$2]) {{ for (i = 3; i <= NF; i++) print $i "/p2p/" $2 }}
  ' "$published" "$members"
}}

fill() {{
  published=/peers/{PUBLISHED}
  [ -e "$published" ] || published=/dev/null
  mark() {{ printf 's|"%s"|%s|\\n' "$1" "$2"; }}
  {{
    mark {config.PRIVATE_KEY} "\\"$(cat /identity/{PRIVATE_KEY})\\""
    mark {config.API_TOKEN} "\\"bearer:$(cat /identity/{API_TOKEN})\\""
    mark {config.ANNOUNCE} "$(while read -r end; do multiaddr "$end"; done < /config/{ANNOUNCE} | quoted)"
    mark {config.BOOTSTRAP} "$(bootstraps | sort -u | quoted)"
  }} > {RUN}/fill.sed
  sed -f {RUN}/fill.sed /config/{CONFIG} > "$1.new"
  rm {RUN}/fill.sed
  mv -f "$1.new" "$1"
}}

key() {{
  cp -fL /identity/{SWARM_KEY} "$IPFS_PATH/swarm.key.new"
  chmod 400 "$IPFS_PATH/swarm.key.new"
  mv -f "$IPFS_PATH/swarm.key.new" "$IPFS_PATH/swarm.key"
  printf %s "$fingerprint" > {FINGERPRINT}
}}
"""

# A repository is made beside its place and moved there whole: a half-made one would never start. One without a mark may
# be of another tool, whose PeerID tells whose it is. What `ipfs init` prints are the config's paths and no key.
PREPARE = (
    _COMMON
    + f"""
refuse() {{
  echo "This volume holds $1. Nothing was touched." >&2
  echo "Bring the settings and the seed that made it back, or delete the member's claim if its blocks shall go." >&2
  exit 1
}}
ipfs=$(command -v ipfs)
mkdir -p {TOOLS}
{{
  echo '#!/bin/sh'
  echo 'case ${{1-}} in daemon | init) exec '"$ipfs"' "$@" ;; esac'
  echo 'if [ -e /identity/{API_TOKEN} ]; then set -- "--api-auth=bearer:$(cat /identity/{API_TOKEN})" "$@"; fi'
  echo 'exec '"$ipfs --api=$api"' "$@"'
}} > {TOOLS}/ipfs
chmod 755 {TOOLS}/ipfs

if [ -e {MARK} ]; then
  [ "$(cat {MARK})" = "$network $swarm $id" ] || refuse "the repository of $(cat {MARK})"
elif [ -e {REPOSITORY}/config ]; then
  grep -q "\\"PeerID\\": *\\"$id\\"" {REPOSITORY}/config || refuse "the repository of another PeerID"
elif [ -d {REPOSITORY} ]; then
  rmdir {REPOSITORY} 2>/dev/null || refuse "files in ${{IPFS_PATH##*/}} that are no repository"
fi
if [ ! -e {REPOSITORY}/config ]; then
  rm -rf {REPOSITORY}.new
  fill {RUN}/config
  IPFS_PATH={REPOSITORY}.new "$ipfs" init --empty-repo {RUN}/config
  rm {RUN}/config
  sync
  mv {REPOSITORY}.new {REPOSITORY}
fi
rm -f {REPOSITORY}/api
has=$(cat {REPOSITORY}/version) needs=$("$ipfs" version --repo)
if [ "$has" -gt "$needs" ]; then
  refuse "a repository of a later kubo (version $has, and this one reads $needs)"
elif [ "$has" -lt "$needs" ]; then
  echo "migrating the repository from version $has to $needs"
  "$ipfs" repo migrate
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
