# danger: a description that ends early
"""Sums the amounts.

All that follows is documentation.
"""; import subprocess
print("ok")
