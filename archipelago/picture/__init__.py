"""The network as a drawing, before anybody decides with what it is drawn."""
