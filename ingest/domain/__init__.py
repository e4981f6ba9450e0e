"""What things are: pure values and rules, without I/O, clock, randomness or Ray."""
