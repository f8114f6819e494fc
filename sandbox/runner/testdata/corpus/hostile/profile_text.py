# danger: text run by a profiler
import cProfile
cProfile.run("print(1)")
