"""The nouns everybody shares: ports and endpoints, records of nodes, the address book, the plan of a node."""
