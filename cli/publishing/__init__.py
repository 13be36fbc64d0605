"""Events of an operator to the topic: read or made up, published at a pace, each one's outcome told."""
