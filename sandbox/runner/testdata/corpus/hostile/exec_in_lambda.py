# danger: exec in a lambda in a default
import pandas as pd

def clean(frame, how=lambda text: exec(text)):
    how("print(1)")
    return frame

clean(pd.DataFrame())
