# danger: a program started out of a pattern
import statistics
match statistics:
    case object(sys=object(modules=m)):
        print(m)
