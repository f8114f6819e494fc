# danger: something after the end
import atexit
atexit.register(lambda: open("late.txt", "w").write("ran"))
