# danger: the whole environment
import os
print(dict(os.environ))
