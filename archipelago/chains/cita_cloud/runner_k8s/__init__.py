"""Chains that runner_k8s made: its command line, its folder, and the settings that go on with them."""
