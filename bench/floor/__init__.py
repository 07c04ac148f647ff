"""A Pulumi program of its own; a package only for the type checker."""
