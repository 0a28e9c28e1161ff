"""Stripe's dialect: the part of its API one needs to be paid by hosted page and saved card."""
