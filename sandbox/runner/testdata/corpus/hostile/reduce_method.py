# danger: what a copy runs
import copy

class Row:
    def __reduce__(self):
        return print, ("ran",)

copy.copy(Row())
