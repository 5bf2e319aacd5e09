"""The foundation: clock, ids, errors, outbound HTTP, egress guard, wake-ups and database wiring; knows no subject."""
