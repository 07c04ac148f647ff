"""The way of a value: settings and partners' records in, the plan of a whole stack out."""
