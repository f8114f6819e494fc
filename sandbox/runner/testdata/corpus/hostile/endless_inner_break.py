# danger: a break that leaves the inner loop only
while True:
    for i in range(3):
        if i == 2:
            break
