# danger: two names that look alike
total = 10
tota1 = 10_000_000
print(tota1)
