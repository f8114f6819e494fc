# danger: the files of the system, walked over
import os
for at, dirs, files in os.walk("/"):
    print(at, len(files))
