"""Test runs and their live progress."""
