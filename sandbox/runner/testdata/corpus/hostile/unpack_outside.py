# danger: an archive that is unpacked elsewhere
import zipfile
with zipfile.ZipFile("sales.csv") as z:
    z.extractall("/")
