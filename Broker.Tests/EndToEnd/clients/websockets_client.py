"""The protocol by hand over Python's websockets; says what it sees, one line of JSON each. Waits for a line on standard
input before it comes back after a restart."""

import asyncio
import json
import sys

import websockets

url, channel = sys.argv[1:]


def say(**observation):
    print(json.dumps(observation, separators=(",", ":")), flush=True)


class Client:
    """One connection. Its reader answers pings, and hands replies and publications to the caller that waits for them."""

    def __init__(self, socket):
        self.socket = socket
        self.replies = asyncio.Queue()
        self.publications = asyncio.Queue()
        self.last_id = 0
        self.reader = asyncio.create_task(self.read())

    async def read(self):
        try:
            async for frame in self.socket:
                for line in frame.split("\n"):
                    if line == "{}":
                        await self.socket.send("{}")
                        continue
                    reply = json.loads(line)
                    if "push" in reply:
                        data = reply["push"]["pub"]["data"]
                        say(saw="received", data=data)
                        self.publications.put_nowait(data)
                    else:
                        self.replies.put_nowait(reply)
        except websockets.ConnectionClosed:
            pass
        say(saw="disconnected", code=self.socket.close_code, reason=self.socket.close_reason)

    async def call(self, **command):
        self.last_id += 1
        await self.socket.send(json.dumps({"id": self.last_id, **command}))
        reply = await self.replies.get()
        if reply["id"] != self.last_id or "error" in reply:
            raise RuntimeError(f"{command} was answered by {reply}")


async def connect():
    client = Client(await websockets.connect(url, open_timeout=120, ping_timeout=120))
    await client.call(connect={})
    say(saw="connected")
    return client


async def main():
    loop = asyncio.get_running_loop()

    client = await connect()
    await client.call(subscribe={"channel": channel})
    say(saw="subscribed")
    await client.call(publish={"channel": channel, "data": "one"})
    await client.publications.get()

    await client.call(unsubscribe={"channel": channel})
    say(saw="unsubscribed")
    await client.call(publish={"channel": channel, "data": "two"})

    await client.call(subscribe={"channel": channel})
    say(saw="subscribed")
    await client.call(publish={"channel": channel, "data": "three"})

    await loop.run_in_executor(None, sys.stdin.readline)
    client = await connect()
    await client.call(subscribe={"channel": channel})
    say(saw="subscribed")

    # Standard input ends when nobody listens any more.
    await loop.run_in_executor(None, sys.stdin.readline)
    await client.socket.close()


asyncio.run(main())
