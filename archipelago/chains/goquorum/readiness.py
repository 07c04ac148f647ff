"""Whether geth is synced, as a port that is open or closed: Kubernetes asks it without starting a process."""

from __future__ import annotations

from archipelago.chains.goquorum.geth import IPC, RPC
from archipelago.chains.goquorum.settings import GoQuorumNode
from archipelago.model.endpoint import Port, Reach
from archipelago.model.plan import Probe

PORT = Port("ready", 8550, Reach.CLUSTER)
# the first "syncing" counts, or the least time of being ready would be over before the third
PROBE = Probe(port=PORT.name, period=2, failures=1, timeout=5)

# geth's own HTTP port on loopback is always there; a question costs 3 ms of CPU there and 130 ms on the console.
_BY_HTTP = f"""synced() {{
  case $(timeout 10 wget -q -O - --header 'Content-Type: application/json' \\
    --post-data '{{"jsonrpc":"2.0","id":1,"method":"eth_syncing","params":[]}}' http://127.0.0.1:{RPC} 2>/dev/null) in
    *'"result":false'*) ;;
    *) return 1 ;;
  esac
}}
pause=2
"""
# geth exits 0 whatever the expression gives, so the text is compared
_BY_CONSOLE = f"""synced() {{
  [ "$(timeout 10 geth --exec eth.syncing --datadir /tmp attach {IPC} 2>/dev/null)" = false ]
}}
pause=3
"""
# Arguments of geth that put something before its HTTP port, which the question would not get through.
_IN_THE_WAY = frozenset(["http.rpcprefix", "plugins", "multitenancy"])

# A listener stands for "synced". It runs `true` for each connection, sends nothing, and goes at the first other answer.
_TELL = f"""tell() {{
  open=
  trap '[ -z "$open" ] || kill "$open" 2>/dev/null; exit 0' TERM
  while :; do
    if synced; then
      if [ -z "$open" ] || ! kill -0 "$open" 2>/dev/null; then
        nc -ll -p {PORT.number} -e true &
        open=$!
      fi
    elif [ -n "$open" ]; then
      kill "$open" 2>/dev/null
      open=
    fi
    sleep $pause & wait $!
  done
}}
"""


def script(node: GoQuorumNode) -> str:
    """The function `tell`, which never returns, for the container beside geth.

    Args:
        node: The node; its arguments and namespaces decide whether HTTP can be asked.
    """
    given = {each.lstrip("-").partition("=")[0] for each in node.extra_args if each.startswith("-")}
    closed = node.api.rpc and "eth" not in node.api.namespaces
    return (_BY_CONSOLE if closed or given & _IN_THE_WAY else _BY_HTTP) + _TELL
