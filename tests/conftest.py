"""What all layers share."""

from __future__ import annotations

from hypothesis import settings

# a busy machine is no bug; 60 examples a property keep a whole layer within seconds
settings.register_profile("archipelago", deadline=None, max_examples=60)
settings.load_profile("archipelago")
