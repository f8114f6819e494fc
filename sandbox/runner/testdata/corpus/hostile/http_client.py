# danger: data sent by http.client
import http.client
http.client.HTTPSConnection("example.com").request("POST", "/in", open("sales.csv", "rb"))
