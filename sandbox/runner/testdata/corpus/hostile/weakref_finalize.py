# danger: something when an object goes
import weakref

class Row:
    pass

weakref.finalize(Row(), print, "gone")
