"""How much of others stands here: what they show of themselves fills neither our outputs nor our cluster.

What is beyond is left out and said once, and no run is refused for it: with one stranger a relay would stop us.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeVar

from archipelago.foreign_text import quoted
from archipelago.model import foreign
from archipelago.model.record import LARGEST_FILE, canonical
from archipelago.profiles.entries import Known, Place

MOST = 1000
"""Profiles of all others together; a network of thousands needs another way than stacks' outputs."""
MOST_READ = 1000
"""Profiles that one partner shows, and that it relays, of which more are not looked at."""
MOST_OF_ONE = 100
"""Identities of one organisation."""
MOST_MEMBERS = 1000
"""Nodes of organisations that are no partners."""
LARGEST = foreign.LARGEST // 2
"""Bytes of all profiles of others in our outputs, which partners read as a whole."""
LARGEST_OF_ONE = LARGEST // 8
"""Bytes of one organisation's."""
_TOLD = 5  # names in one warning

Item = TypeVar("Item")


def within(
    known: Mapping[Place, Known],
    before: Mapping[Place, int],
    room: int,
    lines: Callable[[Known], int],
    kept_room: int = 0,
) -> tuple[tuple[Known, ...], list[str]]:
    """The profiles that stay, sorted, and what is said of the others.

    What was known in the last run goes first, so that no flood of new ones takes its place; within both, those of
    partners go first. Each organisation has its first identity in before one has its second. What is withdrawn comes
    last, and is counted for itself: it stays for good, so that no relay brings it back, as far as there is room.

    Args:
        known: All that was heard.
        before: What the last run kept, and how many bytes of the ConfigMap of peers it took.
        room: Bytes that are left for them there.
        lines: How many bytes of it a profile takes.
        kept_room: What those of the last run have of it for themselves, whatever others take; 0 where there is not as
            much, and each has to find its room.
    """
    room, more_room = room - kept_room, room  # one that is known may grow into the half of members, too
    kept: set[Place] = set()
    counts, gone, sizes, size = Counter[str](), Counter[str](), Counter[str](), 0
    for place in _ranked(known, before):
        each, shown = known[place], not known[place].heard.profile.withdrawn
        more = sum(len(canonical(dict(one.raw))) for one in (each.heard, each.later) if one)
        of_one = (counts if shown else gone)[place[0]]
        full = counts.total() + gone.total() >= MOST or of_one >= MOST_OF_ONE
        full = full or size + more > LARGEST or sizes[place[0]] + more > LARGEST_OF_ONE
        own = before.get(place, 0) if kept_room else 0
        wants = max(0, lines(each) - own) if shown else 0
        if full or wants > max(0, room + (more_room if own else 0)):
            continue
        kept.add(place)
        (counts if shown else gone)[place[0]] += 1
        sizes[place[0]] += more
        size, room = size + more, room - wants
    out = sorted(known.keys() - kept, key=lambda place: (place not in before, place))
    if not (left := ["/".join(place) for place in out]):
        return tuple(each for _, each in sorted(known.items())), []
    words = (
        f"{named(left, 'profile')} left out: of others at most {MOST} are kept ({LARGEST} bytes), {MOST_OF_ONE} of one "
        f"organisation ({LARGEST_OF_ONE} bytes), and as many as the ConfigMap of peers holds beside the nodes."
    )
    return tuple(each for place, each in sorted(known.items()) if place in kept), [words]


def _ranked(known: Mapping[Place, Known], before: Collection[Place]) -> list[Place]:
    ranks, order = Counter[str](), []
    for place in sorted(known, key=lambda place: (place not in before, place)):
        withdrawn = known[place].heard.profile.withdrawn
        order.append((withdrawn, place not in before, bool(known[place].via), ranks[place[0]], place))
        ranks[place[0]] += 1
    return [place for *_, place in sorted(order)]


def first(texts: Sequence[str], more: str) -> list[str]:
    """Some warnings of a kind, and how many there are beyond them.

    Args:
        texts: All of them.
        more: What the others are; finishes a sentence that begins with their number.
    """
    count = len(texts) - _TOLD
    return [*texts[:_TOLD], *([f"{count} {more}"] if count > 0 else [])]


def named(texts: Sequence[str], noun: str) -> str:
    """How many there are, and the first names, as the beginning of a sentence.

    Args:
        texts: Names, written by others.
        noun: What they are, in the singular.
    """
    more = ", …" if len(texts) > _TOLD else ""
    some = ", ".join(map(quoted, texts[:_TOLD])) + more
    return f"1 {noun} ({some}) is" if len(texts) == 1 else f"{len(texts)} {noun}s ({some}) are"


def fitting(items: Sequence[Item], size: Callable[[Sequence[Item]], int]) -> Sequence[Item]:
    """The first ones that the ConfigMap of peers holds.

    Args:
        items: In the order in which they count.
        size: Bytes of the ConfigMap with some of them; more with each.
    """
    low, high = 0, min(len(items), MOST_MEMBERS)
    low = high if high and size(items[:high]) <= LARGEST_FILE else low  # as nearly always
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if size(items[:middle]) <= LARGEST_FILE else (low, middle - 1)
    return items[:low]


def size_of(files: Mapping[str, str]) -> int:
    """Bytes of a ConfigMap, as `checks.plans.too_large` counts them."""
    return sum(len(name.encode()) + len(text.encode()) for name, text in files.items())
