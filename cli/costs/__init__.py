"""The monthly bill of a design: quantities by a formula over the topology, times prices of a dated list."""
