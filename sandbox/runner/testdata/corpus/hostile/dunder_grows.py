# danger: a dunder put together in steps
n = "__cla"
n += "ss__"
print(getattr(1, n))
