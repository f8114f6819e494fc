# danger: exec behind square brackets
class Table:
    __class_getitem__ = exec

Table["print(1)"]
