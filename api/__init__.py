"""HTTP: commits facts, wakes lives through the rows, reads records; problems as RFC 9457."""
