# danger: a loop without an end
n = 0
while True:
    n += 1
