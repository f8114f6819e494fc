import xgboost
from . import helper
import pandas
#> problem: Line 1: the module xgboost is not installed in the box. Use Python's own modules, the desk and the libraries that were listed. Line 2: there is no package to import from relatively.
#> caution 0 [unused file: sales.csv] Does not read sales.csv, which came with the question.
#> note 3 [import: pandas] Imports pandas.
