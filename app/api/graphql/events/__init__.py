"""The workspace's event stream: paged, and live."""
