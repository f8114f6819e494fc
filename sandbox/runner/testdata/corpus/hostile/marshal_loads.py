# danger: raw code by marshal
import marshal
marshal.loads(b"\xe3")
