"""The workspace's ordered, replayable stream of facts, written with the change that makes them true."""
