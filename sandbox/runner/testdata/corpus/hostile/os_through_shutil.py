# danger: os by way of shutil
import shutil
shutil.os.system("id")
