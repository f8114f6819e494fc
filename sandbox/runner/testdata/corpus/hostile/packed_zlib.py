# danger: code packed three times
import zlib, base64
exec(zlib.decompress(base64.b64decode(b"eJwrKMrMK9Ew1AQAD7oC5w==")))
