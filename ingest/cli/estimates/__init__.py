"""What documents would cost, and what a system would take for them."""
