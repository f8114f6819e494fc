# refused: a library that is not in the box
import requests
requests.post("https://example.com", files={"f": open("sales.csv", "rb")})
