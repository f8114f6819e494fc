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
#> note 1 Imports os.
#> danger 2 Imports subprocess, which starts other programs.
#> caution 3 Imports multiprocessing, which starts copies of the program.
#> caution 4 Imports threading, which runs things at the same time.
#> caution 5 Imports signal, which changes how the program reacts to being stopped.
#> danger 6 Imports ctypes, which calls machine code directly.
#> danger 7 Starts another program (os.exec).
#> danger 7 Starts another program (os.system).
#> danger 8 Starts another program (os.system).
#> danger 9 Starts another program (os.popen).
#> danger 10 Starts another program (os.exec).
#> danger 11 Makes a copy of the program (os.fork).
#> danger 12 Ends or signals processes (os.kill).
#> caution 13 Ends the program without a result (os._exit).
#> caution 14 Reads the environment (os.environ).
#> danger 15 Starts another program (subprocess).
