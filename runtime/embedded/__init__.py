"""Real servers out of Python wheels, for one machine and one state folder."""
