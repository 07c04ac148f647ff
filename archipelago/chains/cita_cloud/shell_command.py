"""The command of a service, as a stack file or a service-config.toml has it: one way to what its container runs."""

from __future__ import annotations

import re
import shlex

TIKV = "storage_tikv"
COUCHDB_FLAGS = ("--couchdb-username", "--couchdb-password")
"""What the program gives executor_chaincode_ext itself; its password is in no manifest."""
_ENDPOINTS = re.compile(r"(?<!\S)-e(?:\s+|=)?(\"[^\"]*\"|'[^']*'|[^\s;&|<>]+)")  # placement drivers of storage_tikv
_OPERATORS = frozenset(";&|()")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
# what a shell does itself, or what begins a compound command: there is no program that could take its place
_SHELLS_OWN = re.compile(
    r"exec|if|for|while|until|case|function|select|time|[!{.:]|\[\[?|alias|bg|break|cd|command|continue|echo|eval|exit|"
    r"export|false|fg|getopts|hash|jobs|kill|local|printf|pwd|read|readonly|return|set|shift|source|test|times|trap|"
    r"true|type|ulimit|umask|unalias|unset|wait"
)


def joined(text: str) -> str:
    """A command on one line: a shell takes what stands after a backslash at a line's end as the same line."""
    return re.sub(r"\\\r?\n[ \t]*", " ", text).strip()


def executed(command: str) -> str:
    """A command in whose place the shell runs it, so that signals reach it; as it is where it is none, or several.

    Args:
        command: As `sh -c` takes it.
    """
    lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError:  # a quotation mark is open: the shell says so itself
        return command
    several = "\n" in command or "`" in command or any(word and set(word) <= _OPERATORS for word in words)
    if not words or several or _SHELLS_OWN.fullmatch(words[0]) or _ASSIGNMENT.fullmatch(words[0]):
        return command
    return f"exec {command}"


def endpoints(command: str) -> tuple[str, ...]:
    """The placement drivers that a command of storage_tikv names."""
    return tuple(
        each for found in _ENDPOINTS.findall(command) for each in found.strip("\"'").split(",") if each.strip()
    )


def without_endpoints(command: str) -> str:
    """The command without them: every node has its own, and the program adds them."""
    return " ".join(_ENDPOINTS.sub("", command).split()) if endpoints(command) else command
