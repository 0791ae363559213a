"""The port: what a host is to the rest of the house, and what a connector has to be."""
