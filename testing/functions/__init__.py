"""Lambda in memory: processes that can die at any call, and the event source mappings that invoke them."""
