"""What ships for tests: AWS services in memory, faithful to what AWS documents."""
