"""The providers' wire dialects on loopback, with a clock and faults one can set."""
