# danger: an opener of Python's own
import _pyio
name = input()
print(_pyio.open(name).read())
