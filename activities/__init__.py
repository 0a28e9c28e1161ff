"""Steps that touch the world, each safe to run twice."""
