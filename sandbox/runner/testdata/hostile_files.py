import os
import pickle
import shutil
import pandas as pd
from pathlib import Path

open("/etc/passwd").read()
open("../../x", "w")
Path("~/.ssh/id_rsa").read_text()
pd.read_csv("other.csv")
name = input("which? ")
pd.read_csv(name + ".csv")
pickle.load(open("sales.csv", "rb"))
pd.read_pickle("sales.csv")
os.remove("sales.csv")
shutil.rmtree("/")
pd.DataFrame().to_csv("sales.csv")
open("f%d" % 1, "w")
#> note 1 Imports os, pandas, pathlib and shutil.
#> caution 2 Imports pickle, which can run code that is hidden in data.
#> danger 7 Reads /etc/passwd, which is outside of its working folder.
#> caution 8 Writes ../../x, which is outside of its working folder and will not come back.
#> danger 9 Reads ~/.ssh/id_rsa, which is outside of its working folder.
#> caution 10 Reads other.csv, which is not among the inputs.
#> caution 11 Asks somebody for input; nobody is there to answer.
#> caution 12 Reads a file whose name is computed.
#> danger 13 Loads a pickle, which can run anything that is hidden in it.
#> note 13 Reads sales.csv.
#> danger 14 Loads a pickle, which can run anything that is hidden in it.
#> caution 15 Deletes files (os.remove).
#> danger 16 Deletes whole folders (shutil.rmtree).
#> caution 17 Overwrites its copy of the input sales.csv.
#> caution 18 Writes a file whose name is computed.
