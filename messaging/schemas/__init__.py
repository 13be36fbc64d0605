"""The catalogue as documents for others, and the gate that keeps a release readable for the one before it."""
