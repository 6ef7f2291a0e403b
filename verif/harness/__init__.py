"""What the tests share: suites, benches, streams, graphs and networks made from seeds."""
