"""The task queues, one worker entry point each."""

LIVES = "lives"
BILLING = "billing"
