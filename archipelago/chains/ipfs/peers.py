"""The container beside the daemon: it tells it who has come and gone, publishes profiles, and tells how it is."""

from __future__ import annotations

from archipelago.chains.ipfs.places import READY, STARTED, STATUS, STATUS_PORT
from archipelago.chains.ipfs.shell import ASK, BOOTSTRAPS, ENCODED

_APPLY_EVERY, _LOOK_EVERY, _PROFILES_EVERY = 60, 10, 60  # seconds
_LARGEST_PROFILE, _ALL_PROFILES = 1 << 20, 64 << 20  # bytes; /tmp has 256 MiB

# Arguments, after the name: swarm, PeerID, whose members are dialled first, port of the API, the member's name.
# Peering is changed in the daemon's memory, which forgets it, and bootstraps in its config, which is written anew when
# it starts; so every minute both are applied whether they have changed or not. Kubernetes changes a mounted ConfigMap
# all at once. What is connected while the daemon starts, it has no block exchange with: it is connected anew (kubo
# 8346).
# A shell that is process 1 ignores SIGTERM unless it traps it, and it runs the trap only where it waits.
_START = f"""set -u
umask 022
swarm=$1 id=$2 first=$3 port=$4 node=$5
members=/peers/$swarm.members own=/peers/profiles-$node.json
work=/tmp/work
mkdir -p $work {STATUS}/profiles
rm -f {STATUS}/{READY}
trap 'kill $(jobs -p) 2>/dev/null; exit 0' TERM

{ASK}
{ENCODED}
{BOOTSTRAPS}
call() {{
  ask "$1" 20 2>/dev/null
}}

tell() {{
  call "$1?arg=$(encoded "$2")" >/dev/null
}}

listed() {{
  tr -d ' \\n' | tr '{{}}[],' '\\n\\n\\n\\n\\n' | grep "^\\"$1\\":\\"" | cut -d '"' -f 4
}}
"""

_KEEP = f"""
others() {{
  [ ! -e "$members" ] || own=$id awk '$2 "" != ENVIRON["own"] ""' "$members" | sort
}}

peer() {{
  rest=${{1#* }}
  printf '%s\\n' "${{rest#* }}" | tr ' ' '\\n' | while IFS= read -r address; do
    tell swarm/peering/add "$address/p2p/${{rest%% *}}" || tell swarm/connect "$address/p2p/${{rest%% *}}"
  done
}}

apply() {{
  call bootstrap/list > $work/answer || return 1
  call swarm/peering/ls | listed ID | sort > $work/peering
  while IFS= read -r who; do
    grep -qF -e " $who " $work/members && continue
    tell swarm/peering/rm "$who" && echo "no longer dialled: $who"
    tell swarm/disconnect "/p2p/$who"
  done < $work/peering
  while IFS= read -r line; do
    case $line in
      *' '*' '*) peer "$line" ;;
    esac
    grep -qxF -e "$line" $work/applied 2>/dev/null || printf 'dialled from now on: %s\\n' "$line"
  done < $work/members
  tr -d ' \\n' < $work/answer | tr '[],' '\\n\\n\\n' | grep '^"/.*"$' | tr -d '"' | sort -u > $work/bootstrapped
  while IFS= read -r address; do
    grep -qxF -e "$address" $work/bootstrap || tell bootstrap/rm "$address"
  done < $work/bootstrapped
  while IFS= read -r address; do
    grep -qxF -e "$address" $work/bootstrapped || tell bootstrap/add "$address"
  done < $work/bootstrap
  cat $work/members > $work/applied
}}

fresh() {{
  call swarm/peers > $work/answer || return 1
  listed Peer < $work/answer | while IFS= read -r who; do tell swarm/disconnect "/p2p/$who"; done
}}

keep() {{
  age={_APPLY_EVERY} known=
  while :; do
    started=$(cat {STARTED} 2>/dev/null)
    if [ "$started" != "$known" ] && fresh; then known=$started age={_APPLY_EVERY}; fi
    others > $work/members
    bootstraps > $work/bootstrap
    if [ $age -ge {_APPLY_EVERY} ] || ! cmp -s $work/members $work/applied ||
        ! cmp -s $work/bootstrap $work/bootstrapped; then
      if apply; then age=0; fi
    fi
    sleep 5
    age=$((age + 5))
  done
}}
"""

_SHOW = f"""
show() {{
  call "$1" > {STATUS}/$2.new && mv {STATUS}/$2.new {STATUS}/$2
}}

look() {{
  while :; do
    if show id id.json && show swarm/peers swarm.json && show bootstrap/list bootstrap.json; then
      date +%s > {STATUS}/time.new && mv {STATUS}/time.new {STATUS}/time
    fi
    sleep {_LOOK_EVERY}
  done
}}
"""

# What others publish is all kept together in one volume with a limit, so each gets an equal part of it. A document ends
# with a newline: what has none was cut short.
_PROFILES = f"""
form() {{
  printf -- '--archipelago\\r\\nContent-Disposition: form-data; name="file"; filename="profile"\\r\\n'
  printf 'Content-Type: application/octet-stream\\r\\n\\r\\n'
  cat $work/profile
  printf '\\r\\n--archipelago--\\r\\n'
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
  form > $work/form
  cid=$(ask 'add?cid-version=1' 60 $work/form | listed Hash)
  [ -n "$cid" ] || return 1
  ask "name/publish?arg=$(encoded "/ipfs/$cid")&allow-offline=true&ttl=30s" 120 >/dev/null || return 1
  [ -z "${{last-}}" ] || [ "$last" = "$cid" ] || ask "pin/rm?arg=$(encoded "$last")" 60 >/dev/null
  last=$cid
  cat $work/profile > $work/published
  printf 'published its profiles: /ipfs/%s\\n' "$cid"
}}

size() {{
  {{ wc -c < "$1"; }} 2>/dev/null || echo 0
}}

resolve() {{
  document={STATUS}/profiles/$1
  [ "$(size "$document.json")" -le $2 ] || rm -f "$document.json"
  found=$(ask "name/resolve?arg=$(encoded "/ipns/$1")&nocache=true&dht-timeout=20s" 30 2>/dev/null | listed Path)
  [ -n "$found" ] || return 0
  if ask "cat?arg=$(encoded "$found")&length=$(($2 + 1))" 30 > "$document.new" 2>/dev/null &&
      [ "$(size "$document.new")" -le $2 ] && [ -z "$(tail -c 1 "$document.new")" ]; then
    mv "$document.new" "$document.json"
  else
    rm -f "$document.new"
  fi
}}

forget() {{
  for document in {STATUS}/profiles/*; do
    who=${{document##*/}}
    grep -qxF -e "${{who%.*}}" $work/others || rm -f "$document"
  done
}}

profiles() {{
  while :; do
    publish 2>/dev/null
    if [ -e "$members" ]; then
      others | cut -d ' ' -f 2 | LC_ALL=C grep -x '[0-9A-Za-z]*' > $work/others
      part=$(({_ALL_PROFILES} / ($(wc -l < $work/others) + 1)))
      [ $part -le {_LARGEST_PROFILE} ] || part={_LARGEST_PROFILE}
      while IFS= read -r who; do resolve "$who" $part; done < $work/others
      forget
    fi
    sleep {_PROFILES_EVERY}
  done
}}
"""

SCRIPT = f"""{_START}{_KEEP}{_SHOW}{_PROFILES}
keep & look & answer & profiles &
while :; do
  httpd -f -p {STATUS_PORT.number} -h {STATUS} & wait $!
  sleep 1 & wait $!
done
"""
