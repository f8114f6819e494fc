# danger: every object in the program
import gc
print([o for o in gc.get_objects() if isinstance(o, dict)][:3])
