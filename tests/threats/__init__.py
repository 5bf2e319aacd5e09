"""The threat model, row by row, at the hub's own doors.

Rows O are attacks on sign-ins, rows C attacks on what is sealed, rows R figures of reliability. A test that proves a
row carries ``@pytest.mark.threat("O1")``, wherever it lives: those of one room stay in that room, and here are the ones
that need the whole hub. ``python -m tests.threats.rows`` prints which tests prove which row, and
:mod:`tests.threats.test_rows` fails for a row that no test proves.

Here a hub runs with everything it has; browsers and API clients come in through its HTTP doors, and
:class:`~tests.threats.provider.Provider` is all of the outside. It speaks HTTP and counts: whatever must come to
nothing is asserted to have sent no token request at all.
"""
