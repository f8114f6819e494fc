import os as o
import subprocess
import multiprocessing
import threading
import signal
import ctypes
from os import system as harmless, execvp
harmless("id")
o.popen("id")
o.execv("/bin/sh", [])
o.fork()
o.kill(1, 9)
o._exit(0)
o.environ["HOME"]
subprocess.run(["id"])
#> caution 0 [unused file: sales.csv] Does not read sales.csv, which came with the question.
#> danger 1 [import: os] Imports os, which reaches files, programs and the environment.
#> danger 2 [import: subprocess] Imports subprocess, which starts other programs.
#> danger 3 [import: multiprocessing] Imports multiprocessing, which starts copies of the program.
#> danger 4 [import: threading] Imports threading, which runs things at the same time: not in the order in which they stand.
#> danger 5 [import: signal] Imports signal, which changes how the program reacts to being stopped.
#> danger 6 [import: ctypes] Imports ctypes, which calls machine code directly.
#> danger 7 [import: os] Imports os, which reaches files, programs and the environment.
#> danger 7 [process: os.execvp] Starts another program (os.exec).
#> danger 7 [process: os.system] Starts another program (os.system).
#> danger 8 [process: os.system] Starts another program (os.system).
#> danger 9 [process: os.popen] Starts another program (os.popen).
#> danger 10 [read: /bin/sh] Reads /bin/sh, which is outside of its working folder.
#> danger 10 [process: os.execv] Starts another program (os.exec).
#> danger 11 [process: os.fork] Makes a copy of the program (os.fork).
#> danger 12 [process: os.kill] Ends or signals processes (os.kill).
#> danger 13 [exit: os._exit] Ends the program without a result (os._exit).
#> caution 14 [misleading: ] Never runs: line 13 ends what stands before it.
#> caution 14 [environment: os.environ] Reads or sets the environment (os.environ).
#> danger 15 [process: subprocess.run] Starts another program (subprocess).
