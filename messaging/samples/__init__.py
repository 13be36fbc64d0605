"""Made-up input for demos, benchmarks and operators. Nothing that runs on AWS imports it."""
