# danger: an address that is opened
import webbrowser
webbrowser.open("https://example.com/?q=secret")
