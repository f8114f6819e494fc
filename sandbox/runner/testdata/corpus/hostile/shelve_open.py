# danger: a shelf, which holds pickles
import shelve
shelve.open("cache")
