"""What all layers share: pure work is done once."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest
from hypothesis import settings

from archipelago.chains.goquorum import identity
from archipelago.identity.keystore import keystore_v3

# a busy machine is no bug; 60 examples a property keep the whole layer in seconds
settings.register_profile("archipelago", deadline=None, max_examples=60)
settings.load_profile("archipelago")


@pytest.fixture(autouse=True, scope="session")
def _one_scrypt_a_key() -> Iterator[None]:
    """A keystore takes 70 ms and a test plans dozens of nodes; the function is pure, so it may remember."""
    remembered = functools.cache(keystore_v3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identity, "keystore_v3", remembered)
        yield
