"""From plans to Kubernetes objects as plain dictionaries, one builder per kind; no protocol is known here."""
