"""Doors: they translate a protocol into a verb and the verb's answer back, and decide nothing."""
