# danger: a second statement far to the right
import pandas as pd
total = pd.read_csv("sales.csv")["amount"].sum()  ;               print("ran")
x = 1
y = 2
value_that_is_long_enough_to_be_left_alone = x + y + x + y + x;               globals
