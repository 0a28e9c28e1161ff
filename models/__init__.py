"""Tables, the walls between tenants, queries, and the one door to the database."""
