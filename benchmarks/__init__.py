"""Measured beside a bare peer or a stated limit."""
