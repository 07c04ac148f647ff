"""The sidecar that tells a running geth when the list of peers has changed."""

from __future__ import annotations

from archipelago.chains.goquorum.geth import IPC

LIST = "/peers/static-nodes.json"
APPLIED = "/run/archipelago/peers.json"  # what geth was told; the init step writes the list that geth starts with

# `start`, `had` and `want` stand before it. addPeer on a known peer does nothing, so one that has moved is removed
# first; a connected one is left alone, because geth looks up every host name at each call. To remove one, its id is
# enough, and its name may be gone: hence the address. Releases before 21.1 do not give the last value of a loaded
# script: it says itself that it has come to its end. A name without an answer takes geth half a minute, and all
# together have a time-out: so it says at which entry it is, and the next run starts behind the last one.
_APPLY = """
function id(url) { return url.slice(8, 136) }
function short(url) { return url.slice(8, 16) + "@" + url.split("@")[1].split("?")[0] }
function tell(what, call, url) {
  try { call(url); if (what) console.log(what + " " + short(url)) }
  catch (error) { console.log("not " + (what || "dialled") + ": " + short(url) + ": " + error) }
}
function drop(url) { admin.removePeer("enode://" + id(url) + "@127.0.0.1:30303") }
var listed = {}, connected = {}, self = id(admin.nodeInfo.enode);
want.forEach(function (url) { listed[id(url)] = true });
had.forEach(function (url) { if (want.indexOf(url) < 0) tell("removed", drop, url) });
admin.peers.forEach(function (peer) {
  if (listed[id(peer.enode)]) connected[id(peer.enode)] = true;
  else tell("removed", drop, peer.enode)
});
want.forEach(function (_, step) {
  var at = (start + step) % want.length, url = want[at], known = had.indexOf(url) >= 0;
  if (id(url) === self || known && connected[id(url)]) return;
  console.log("at " + at);
  tell(known ? "" : "added", admin.addPeer, url)
});
console.log("applied")
"""

# geth reads permissioned-nodes.json at each handshake, and static-nodes.json only when it starts. Every 5 seconds the
# list is compared, every 60 it is applied whether it has changed or not.
# A shell that is process 1 ignores SIGTERM unless it traps it, and it runs the trap only where it waits.
# `tell` stands before it.
SCRIPT = f"""set -u
tell & telling=$!
trap 'kill $telling 2>/dev/null; exit 0' TERM
cat > /tmp/apply-peers.js <<'END'{_APPLY}END
age=60 failing= start=0
while :; do
  sleep 5 & wait $!
  age=$((age + 5))
  [ -S {IPC} ] || continue
  [ $age -ge 60 ] || ! cmp -s {LIST} {APPLIED} || continue
  cp {LIST} {APPLIED}.new || continue
  {{ echo "var start = $start; var had ="; cat {APPLIED}; echo '; var want ='; cat {APPLIED}.new; echo ';'
    cat /tmp/apply-peers.js; }} > /tmp/peers.js
  timeout 300 geth --exec 'loadScript("/tmp/peers.js")' --datadir /tmp attach {IPC} > /tmp/peers.out 2>&1 & wait $!
  if grep -q '^applied$' /tmp/peers.out; then
    mv {APPLIED}.new {APPLIED}
    grep -E '^(added|removed|not) ' /tmp/peers.out
    age=0 failing= start=0
    continue
  fi
  at=$(sed -n 's/^at \\([0-9]*\\)$/\\1/p' /tmp/peers.out | tail -n 1)
  if [ -n "$at" ]; then
    start=$((at + 1))
    grep -E '^(added|removed|not) ' /tmp/peers.out
    echo "names of peers took too long to look up: the list goes on behind entry $at"
  elif [ -z "$failing" ]; then
    echo "geth does not answer; trying again every 5 s:" && cat /tmp/peers.out
    failing=1
  fi
done
"""
BESIDE_TESSERA = SCRIPT.replace("kill $telling ", "kill $telling $introducing ")
"""The same behind `introduce.SCRIPT`. Without a Tessera the text stays what it was: another one restarts nodes."""
