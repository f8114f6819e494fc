# danger: exec as a decorator
@exec
@str
class Note:
    pass
