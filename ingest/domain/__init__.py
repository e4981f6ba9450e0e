"""Pure values and rules, without I/O, clock, randomness or Ray."""
