# danger: os by way of two others
import glob
glob.fnmatch.os.popen("id").read()
