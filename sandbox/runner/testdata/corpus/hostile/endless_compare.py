# danger: a loop whose condition always holds
n = 0
while 1 < 2:
    n += 1
