# danger: a module out of a with
import contextlib, glob
with contextlib.nullcontext(glob) as g:
    g.os.system("id")
