"""Ports to the outside world and the adapters that speak each vendor's dialect."""
