"""Schema changes, in order; every tenant table is made together with its wall."""
