# danger: eval
print(eval("1 + 1"))
