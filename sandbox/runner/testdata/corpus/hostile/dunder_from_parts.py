# danger: a dunder that is put together
name = "_" * 2 + "class" + "_" * 2
print(getattr(3, name))
