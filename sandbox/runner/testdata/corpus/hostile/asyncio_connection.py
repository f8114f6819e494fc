# danger: a connection by asyncio
import asyncio

async def send():
    _, writer = await asyncio.open_connection("example.com", 80)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")

asyncio.run(send())
