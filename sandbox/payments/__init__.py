"""The payments half of the sandbox: what both vendors' dialects share."""
