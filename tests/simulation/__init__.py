"""The whole pipeline in a simulated world, with everything going wrong that FAULTS names: runs, checks, comparisons."""
