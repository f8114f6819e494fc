# danger: a terminal
import pty
pty.spawn("/bin/sh")
