"""What real nodes need of the machine: packages, networks, cgroups, images, and that all of it goes away again."""
