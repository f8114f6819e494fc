# danger: the same walk by constant names
o = getattr((), "__class__")
o = getattr(o, "__base__")
print(getattr(o, "__subclasses__")())
