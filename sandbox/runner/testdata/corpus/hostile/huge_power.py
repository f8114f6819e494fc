# danger: a number without an end
x = 9 ** 9 ** 9
