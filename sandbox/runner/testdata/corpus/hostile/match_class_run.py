# danger: a program started by a name out of a pattern
def of(x):
    match x:
        case object(system=run):
            run("id")
