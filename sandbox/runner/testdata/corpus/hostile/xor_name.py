# danger: a name behind an exclusive or
import os
name = "".join(chr(b ^ 42) for b in b"YSYN^OG")
getattr(os, name)
