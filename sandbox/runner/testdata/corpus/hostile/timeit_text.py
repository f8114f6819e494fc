# danger: text run by timeit
import timeit
timeit.timeit("print(1)", number=1)
