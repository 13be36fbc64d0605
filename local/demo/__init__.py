"""The demo: orders published into the deployment, and every message accounted for."""
