# danger: a function of os by way of a walrus
import os
if (run := os.popen):
    print(run("id").read())
