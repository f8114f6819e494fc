import sklearn
from . import helper
import pandas
#> problem: Line 1: the module sklearn is not installed in the box. There are Python's own modules, pandas, numpy, matplotlib and openpyxl. Line 2: there is no package to import from relatively.
#> caution 0 [unused file: sales.csv] Does not read sales.csv, which came with the question.
#> note 3 [import: pandas] Imports pandas.
