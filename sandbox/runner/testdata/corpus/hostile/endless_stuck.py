# danger: a loop that changes nothing of its condition
left, done = 10, 0
while left > 0:
    done += 1
