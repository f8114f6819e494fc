import sklearn
from . import helper
import pandas
#> problem: Line 1: the module sklearn is not installed in the box. There are Python's own modules, pandas, numpy, matplotlib and openpyxl. Line 2: there is no package to import from relatively.
#> note 3 Imports pandas.
