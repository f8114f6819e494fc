# danger: timeit with text by a keyword
import timeit
timeit.timeit(stmt="print(1)", number=1)
