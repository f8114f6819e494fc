# danger: a program started by asyncio
import asyncio

async def go():
    await asyncio.create_subprocess_exec("id")

asyncio.run(go())
