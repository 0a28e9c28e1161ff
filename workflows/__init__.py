"""The lives: order, timers, waiting, compensation. No I/O and no rule that may change."""
