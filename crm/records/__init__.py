"""One class a subject; methods ask the gateway and return frozen dataclasses."""
