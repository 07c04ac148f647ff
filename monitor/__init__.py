"""What watches the members of private swarms, from a pod of its own: Python's standard library and nothing else.

`archipelago.manifests.monitor` puts these files in a ConfigMap; the pod runs `python -m monitor`.
"""
