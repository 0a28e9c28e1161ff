"""One entry point per task queue, each an explicit list; and the relay."""
