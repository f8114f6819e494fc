# danger: a file whose name is turned
import codecs
print(open(codecs.decode("/rgp/cnffjq", "rot13")).read())
