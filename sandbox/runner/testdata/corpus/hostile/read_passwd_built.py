# danger: a file of the system, its name put together
import os
place = os.path.join("/", "et" + "c", "passwd")
with open(place) as f:
    print(f.read())
