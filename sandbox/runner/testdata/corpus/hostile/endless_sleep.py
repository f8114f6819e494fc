# danger: a long wait
import time
time.sleep(60 * 60 * 24)
