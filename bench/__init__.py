"""What the program costs: beside a flat program that registers the same objects, and without an engine at all."""
