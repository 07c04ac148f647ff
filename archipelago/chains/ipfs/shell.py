"""Functions that the shells of a member's pod share. Data is in files and arguments, and never a part of the code."""

from __future__ import annotations

from archipelago.chains.ipfs.places import API_TOKEN, BOOTSTRAP, PUBLISHED

# `sh -c "$request" ask PATH [FILE]` asks kubo's API over its standard input and output, which are a connection; the
# answer goes to the open file 3. It fails where the answer is not 200.
# wget and ipfs take the token as an argument, which every user of the machine can read. So the shell writes the request
# itself: printf is a part of it. nc gives the connection to a program, for a server that sees the end of its input
# cancels the request. Each answer ends with its connection (HTTP/1.0).
_REQUEST = f"""request='cr=$(printf "\\r")
printf "POST /api/v0/%s HTTP/1.0\\r\\nHost: 127.0.0.1\\r\\n" "$1"
[ ! -e /identity/{API_TOKEN} ] || printf "Authorization: Bearer %s\\r\\n" "$(cat /identity/{API_TOKEN})"
if [ $# = 2 ]; then
  printf "Content-Type: multipart/form-data; boundary=archipelago\\r\\nContent-Length: %s\\r\\n\\r\\n" "$(wc -c < "$2")"
  cat "$2"
else
  printf "Content-Length: 0\\r\\n\\r\\n"
fi
read -r version code words && [ "$code" = 200 ] || exit 1
while IFS= read -r line && [ "$line" != "$cr" ]; do :; done
exec cat >&3'
"""

# `ask PATH SECONDS [FILE]` asks the API at $port and prints the answer. exec leaves one process, which timeout can end;
# what timeout itself leaves for a second has the standard output closed, but would hold another one.
ASK = f"""{_REQUEST}ask() {{
  path=$1 seconds=$2
  shift 2
  timeout "$seconds" sh -c 'exec nc -w 3 127.0.0.1 "$0" -e sh -c "$@" 3>&1' "$port" "$request" ask "$path" "$@"
}}
"""

# Any text as a part of a URL: each byte is escaped.
ENCODED = """encoded() {
  printf %s "$1" | od -An -v -tx1 | tr -d '\\n' | tr ' ' %
}
"""

# Reads $members, $swarm, $id (the member's own) and $first. awk gets them by its environment, where nothing is an
# escape, and compares them as texts, for 1e1 and 10 are one number. What is no multiaddr is left out.
BOOTSTRAPS = f"""bootstraps() {{
  published=/peers/{PUBLISHED}
  [ -e "$published" ] || published=/dev/null
  {{
    cat /config/{BOOTSTRAP}
    [ ! -e "$members" ] || first=$first swarm=$swarm own=$id awk '
      FILENAME == ARGV[1] {{ if ($1 "" == ENVIRON["swarm"] "") told[$2] = 1; next }}
      $2 "" != ENVIRON["own"] "" && ($1 "" == ENVIRON["first"] "" || told[$2]) {{
        for (i = 3; i <= NF; i++) print $i "/p2p/" $2
      }}
    ' "$published" "$members"
  }} | addresses | sort -u
}}

addresses() {{
  LC_ALL=C grep -x '/[-A-Za-z0-9._:/]*'
}}
"""
