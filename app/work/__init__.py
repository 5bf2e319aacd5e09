"""Due work: what must happen later is a row, claimed by one process at a time, retried, and given up in the end.

``register`` a kind with its function, ``schedule`` in the transaction that makes it due; ``Dispatcher`` does the rest.
"""
