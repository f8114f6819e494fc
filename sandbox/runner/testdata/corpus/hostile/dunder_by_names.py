# danger: a dunder put together out of names
u = "_"
for o in [1]:
    n = u + u + "class" + u + u
    print(getattr(o, n))
