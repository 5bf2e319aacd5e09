"""The catalog of integrations."""
