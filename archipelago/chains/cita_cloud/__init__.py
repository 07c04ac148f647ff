"""CITA-Cloud: six microservices a node, in the layout of its releases 4 and 5 (April and May 2021)."""
