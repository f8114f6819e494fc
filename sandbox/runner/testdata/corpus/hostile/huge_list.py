# danger: a list of a billion
xs = [0] * 10**9
