# danger: a module as a class's own
import pandas as pd

class Report:
    io = pd.io

Report.io.common.os.getcwd()
Report().io.common.os.putenv("A", "b")
