"""Side-by-side measurements against other libraries; run by hand: ``python -m benchmarks --help``."""
