# danger: a parameter that is called getattr
import statistics

def unused(getattr):
    pass

f = getattr(statistics, "sy" + "s")
print(f)
