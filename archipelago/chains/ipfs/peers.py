"""The container beside the daemon: it tells it who has come and gone, publishes profiles, and tells how it is."""

from __future__ import annotations

from archipelago.chains.ipfs.places import API_TOKEN, BOOTSTRAP, PUBLISHED, READY, RUN, STARTED, STATUS, STATUS_PORT

_APPLY_EVERY, _LOOK_EVERY, _PROFILES_EVERY = 60, 10, 60  # seconds
_LARGEST_PROFILE = 1 << 20  # bytes

# Arguments, after the name: swarm, PeerID, whose members are dialled first, port of the API, the member's name.
# The API is asked by wget: each start of ipfs costs a tenth of a second of CPU. Peering is changed in the daemon's
# memory, which forgets it, and bootstraps in its config, which is written anew when it starts; so every minute both are
# applied whether they have changed or not. Kubernetes changes a mounted ConfigMap all at once.
# What is connected while the daemon starts, it has no block exchange with: it is connected anew (kubo 8346).
# A shell that is process 1 ignores SIGTERM unless it traps it, and it runs the trap only where it waits.
SCRIPT = f"""set -u
umask 022
swarm=$1 id=$2 first=$3 port=$4 node=$5
members=/peers/$swarm.members own=/peers/profiles-$node.json
work=/tmp/work
mkdir -p $work {STATUS}/profiles
rm -f {STATUS}/{READY}
trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM

call() {{
  path=$1
  shift
  set -- -q -O - --post-data= "$@"
  if [ -e /identity/{API_TOKEN} ]; then set -- --header "Authorization: Bearer $(cat /identity/{API_TOKEN})" "$@"; fi
  timeout 20 wget "$@" "http://127.0.0.1:$port/api/v0/$path"
}}

wanted() {{
  published=/peers/{PUBLISHED}
  [ -e "$published" ] || published=/dev/null
  : > $work/members
  [ ! -e "$members" ] || awk -v own="$id" '$2 != own' "$members" | sort > $work/members
  {{
    cat /config/{BOOTSTRAP}
    awk -v first="$first" -v swarm="$swarm" '
      FILENAME == ARGV[1] {{ if ($1 == swarm) told[$2] = 1; next }}
      $1 == first || told[$2] {{ for (i = 3; i <= NF; i++) print $i "/p2p/" $2 }}
    ' "$published" $work/members
  }} | sort -u > $work/bootstrap
}}

listed() {{
  tr -d ' \\n' | tr '{{}}[],' '\\n\\n\\n\\n\\n' | sed -n "s/^\\"$1\\":\\"\\(.*\\)\\"$/\\1/p"
}}

peer() {{
  who=$2
  shift 2
  for address; do
    call "swarm/peering/add?arg=$address/p2p/$who" >/dev/null 2>&1 ||
      call "swarm/connect?arg=$address/p2p/$who" >/dev/null 2>&1
  done
}}

apply() {{
  call bootstrap/list > $work/answer 2>/dev/null || return 1
  call swarm/peering/ls 2>/dev/null | listed ID | sort > $work/peering
  while read -r who; do
    grep -q " $who " $work/members && continue
    call "swarm/peering/rm?arg=$who" >/dev/null 2>&1 && echo "no longer dialled: $who"
    call "swarm/disconnect?arg=/p2p/$who" >/dev/null 2>&1
  done < $work/peering
  while read -r line; do
    case $line in
      *' '*' '*) peer $line ;;
    esac
    grep -qxF "$line" $work/applied 2>/dev/null || echo "dialled from now on: $line"
  done < $work/members
  tr -d ' \\n' < $work/answer | tr '[],' '\\n\\n\\n' | sed -n 's|^"\\(/.*\\)"$|\\1|p' | sort -u > $work/bootstrapped
  while read -r address; do
    grep -qxF "$address" $work/bootstrap || call "bootstrap/rm?arg=$address" >/dev/null 2>&1
  done < $work/bootstrapped
  while read -r address; do
    grep -qxF "$address" $work/bootstrapped || call "bootstrap/add?arg=$address" >/dev/null 2>&1
  done < $work/bootstrap
  cat $work/members > $work/applied
}}

fresh() {{
  call swarm/peers > $work/answer 2>/dev/null || return 1
  for who in $(listed Peer < $work/answer); do
    call "swarm/disconnect?arg=/p2p/$who" >/dev/null 2>&1
  done
}}

keep() {{
  age={_APPLY_EVERY} known=
  while :; do
    started=$(cat {STARTED} 2>/dev/null)
    if [ "$started" != "$known" ] && fresh; then known=$started age={_APPLY_EVERY}; fi
    wanted
    if [ $age -ge {_APPLY_EVERY} ] || ! cmp -s $work/members $work/applied ||
        ! cmp -s $work/bootstrap $work/bootstrapped; then
      if apply; then age=0; fi
    fi
    sleep 5
    age=$((age + 5))
  done
}}

show() {{
  call "$1" > {STATUS}/$2.new 2>/dev/null && mv {STATUS}/$2.new {STATUS}/$2
}}

look() {{
  while :; do
    if show id id.json && show swarm/peers swarm.json && show bootstrap/list bootstrap.json; then
      date +%s > {STATUS}/time.new && mv {STATUS}/time.new {STATUS}/time
    fi
    sleep {_LOOK_EVERY}
  done
}}

# where the API answers, the daemon serves; whether it has peers is no part of it: a swarm's first member has none
answer() {{
  while :; do
    if call version >/dev/null 2>&1; then echo yes > {STATUS}/{READY}; else rm -f {STATUS}/{READY}; fi
    sleep 3
  done
}}

publish() {{
  if [ -e "$own" ]; then cat "$own" > $work/profile; else printf '{{}}\\n' > $work/profile; fi
  ! cmp -s $work/profile $work/published || return 0
  cid=$(timeout 60 {RUN}/bin/ipfs add --quieter --cid-version=1 $work/profile) || return 1
  timeout 120 {RUN}/bin/ipfs name publish --allow-offline --quieter --ttl=30s "/ipfs/$cid" >/dev/null || return 1
  [ -z "${{last-}}" ] || [ "$last" = "$cid" ] || timeout 60 {RUN}/bin/ipfs pin rm "$last" >/dev/null
  last=$cid
  cat $work/profile > $work/published
  echo "published its profiles: /ipfs/$cid"
}}

resolve() {{
  found=$(timeout 30 {RUN}/bin/ipfs name resolve --nocache --dht-timeout=20s "/ipns/$1" 2>/dev/null) || return 0
  timeout 30 {RUN}/bin/ipfs cat --length={_LARGEST_PROFILE} "$found" > {STATUS}/profiles/$1.new 2>/dev/null &&
    mv {STATUS}/profiles/$1.new {STATUS}/profiles/$1.json
}}

profiles() {{
  while :; do
    publish 2>/dev/null
    [ ! -e "$members" ] || awk -v own="$id" '$2 != own {{ print $2 }}' "$members" > $work/others
    if [ -s $work/others ]; then
      while read -r who; do resolve "$who"; done < $work/others
    fi
    sleep {_PROFILES_EVERY}
  done
}}

keep & look & answer & profiles &
while :; do
  httpd -f -p {STATUS_PORT.number} -h {STATUS} & wait $!
  sleep 1 & wait $!
done
"""
