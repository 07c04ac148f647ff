"""The part of the sidecar that tells a running Tessera again of the peers that it has forgotten."""

from __future__ import annotations

from archipelago.chains.goquorum.tessera import OTHERS, P2P, PUBLIC_KEY

EVERY = 10  # seconds between two looks
_INFO, _LOST, _BODY = "/tmp/partyinfo", "/tmp/partyinfo.lost", "/tmp/partyinfo.body"  # noqa: S108 - of the pod's own

# From 20.10 on Tessera forgets a peer and its keys at the first failed call, and reads its configured peers only when
# it knows of none. A peer that a POST of its own kind of message names is called again, and calls back if its own
# sidecar does the same. The message is what this Tessera sends its peers: its URL, its key with that URL (without it
# the key would be forgotten), and the peers; each text and each list begins with its length in 8 bytes
# (tessera-jaxrs, PartyInfoParser, the same from 0.10 on). wget posts no zero bytes, so nc does; its input stays open
# for a second, or some servers take the end of it for that of the caller.
# A name and its URL are one object a line once "}" is a line break, and those of keys have the word.
SCRIPT = f"""{OTHERS}number() {{
  printf '\\000\\000\\000\\000\\000\\000'
  printf "\\\\$(printf %03o $(($1 / 256)))\\\\$(printf %03o $(($1 % 256)))"
}}
text() {{
  number ${{#1}}
  printf %s "$1"
}}
lost() {{
  timeout 10 wget -q -O - http://127.0.0.1:{P2P}/partyinfo 2>/dev/null | tr '}}' '\\n' > {_INFO}
  tessera=$(sed -n '1s/^{{"url":"\\([^"]*\\)".*/\\1/p' {_INFO})
  [ -n "$tessera" ] || return 1
  others "$1" | while read -r url; do
    grep -v '"key"' {_INFO} | grep -qF -e '"url":"'"$url"'"' -e '"url":"'"$url"'/"' || echo "$url/"
  done > {_LOST}
  [ -s {_LOST} ]
}}
introduce() {{
  {{ text "$tessera"
    number 1
    number 32
    base64 -d /config/{PUBLIC_KEY}
    text "$tessera"
    number $(wc -l < {_LOST})
    while read -r url; do text "$url"; done < {_LOST}
  }} > {_BODY}
  versions=$(timeout 10 wget -q -O - http://127.0.0.1:{P2P}/version/api 2>/dev/null | tr -d '[]" \\r\\n')
  case $versions in *[!0-9.,v]*) versions= ;; esac
  {{ printf 'POST /partyinfo HTTP/1.1\\r\\nHost: 127.0.0.1:{P2P}\\r\\nConnection: close\\r\\n'
    printf 'Content-Type: application/octet-stream\\r\\nContent-Length: %d\\r\\n' $(wc -c < {_BODY})
    [ -z "$versions" ] || printf 'tesseraSupportedApiVersions: %s\\r\\n' "$versions"
    printf '\\r\\n'
    cat {_BODY}
    sleep 1
  }} | timeout 10 nc 127.0.0.1 {P2P} 2>/dev/null | head -n 1 | grep -q '^HTTP/1.1 200'
}}
introductions() {{
  while :; do
    sleep {EVERY} & wait $!
    lost "$1" || continue
    if introduce; then
      echo "tessera was told again of $(tr '\\n' ' ' < {_LOST})"
    else
      echo "tessera takes no peers; trying again in {EVERY} s"
    fi
  done
}}
introductions "$1" & introducing=$!
"""
