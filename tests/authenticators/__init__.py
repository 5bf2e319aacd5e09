"""Tests of the authenticators: all pure, no network, no clock."""
