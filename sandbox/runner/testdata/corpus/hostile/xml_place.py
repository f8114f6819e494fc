# danger: XML that lies elsewhere
import xml.etree.ElementTree as ET
print(ET.parse("/root/.config/x.xml").getroot())
