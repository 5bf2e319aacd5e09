"""The outside world, played: real servers on loopback that tests start, steer and ask."""
