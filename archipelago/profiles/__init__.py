"""Who is in a network beyond one's own list: own profiles, others' ones on their way, and what becomes of them here."""
