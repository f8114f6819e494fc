# danger: the stack by inspect
import inspect
print(inspect.stack()[1].frame.f_globals)
