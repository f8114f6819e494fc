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
#> danger 1 [import: os] Imports os, which reaches files, programs and the environment.
#> caution 2 [import: pickle] Imports pickle, which can run code that is hidden in data.
#> danger 3 [import: shutil] Imports shutil, which is not among what is known to be harmless.
#> note 4 [import: pandas, pathlib] Imports pandas and pathlib.
#> danger 7 [read: /etc/passwd] Reads /etc/passwd, which is outside of its working folder.
#> danger 8 [write: ../../x] Writes ../../x, which is outside of its working folder and will not come back.
#> danger 9 [read: ~/.ssh/id_rsa] Reads ~/.ssh/id_rsa, which is outside of its working folder.
#> caution 10 [read: other.csv] Reads other.csv, which is not among the inputs.
#> caution 11 [wait: input] Asks somebody for input; nobody is there to answer.
#> caution 12 [read: ] Reads a file whose name is computed.
#> danger 13 [pickle: pickle.load] Loads a pickle, which can run anything that is hidden in it.
#> note 13 [read: sales.csv] Reads sales.csv.
#> danger 14 [pickle: pandas.read_pickle] Loads a pickle, which can run anything that is hidden in it.
#> caution 15 [delete: os.remove] Deletes files (os.remove).
#> danger 16 [delete: shutil.rmtree] Deletes whole folders (shutil.rmtree).
#> danger 16 [read: /] Reads /, which is outside of its working folder.
#> caution 17 [write: sales.csv] Overwrites its copy of the input sales.csv.
#> note 18 [write: f1] Writes f1.
