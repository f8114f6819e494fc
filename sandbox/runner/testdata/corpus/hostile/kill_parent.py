# danger: a signal to the runner
import os
os.kill(os.getppid(), 9)
