# danger: text run by numpy's tests
import numpy as np
np.testing.runstring("import os; os.sys" + "tem('id')", {})
