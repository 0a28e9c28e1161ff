"""The cases of tests/support/twice.py, a file for each process."""
