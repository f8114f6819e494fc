# danger: a shell
import subprocess
subprocess.check_output("ls /", shell=True)
