"""Private keys in the files that a protocol's own tools keep them in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Account:
    """An account with its private key.

    Args:
        address: As the protocol spells it.
        files: By name; together they are the account.
    """

    address: str
    files: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccountKind:
    """A kind of account that can be made for anybody, in a stack or not.

    Args:
        meaning: For people, a few words.
        order: Its private keys are 1 to this less 1, as 32 bytes.
        protected: Whether a password opens it; without one it is not asked for.
        made: From a private key and a password; raises ValueError where the password cannot be used.
    """

    meaning: str
    order: int
    protected: bool
    made: Callable[[bytes, str], Account]
