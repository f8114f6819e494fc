# danger: a text of gigabytes
s = "x" * (1 << 33)
