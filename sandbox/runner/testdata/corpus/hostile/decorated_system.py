# danger: a program as a decorator
import shutil as tools

@tools.os.system
class id:
    pass
