# danger: a codec of its own
import codecs
codecs.register(lambda name: None)
