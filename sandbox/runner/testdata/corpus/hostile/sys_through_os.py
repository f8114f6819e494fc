# danger: sys by way of os
import os
os.sys.modules["subprocess"].run(["id"])
