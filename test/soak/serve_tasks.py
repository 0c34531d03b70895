"""An HTTP server of asyncio: a task for each connection.   serve_tasks.py PORT"""
import asyncio
import sys


def work(depth, text):
    if depth:
        return work(depth - 1, text + "<li>%d</li>" % depth)
    return text


async def answer(path):
    if path == b"/thread":
        return await asyncio.get_running_loop().run_in_executor(None, work, 20, "thread")
    if path == b"/process":
        process = await asyncio.create_subprocess_exec("/bin/true")
        if await process.wait() != 0:
            raise OSError("/bin/true failed")
        return "process"
    await asyncio.sleep(0)
    return work(30, "hello")


async def serve(reader, writer):
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = (await answer(head.split(b" ", 2)[1])).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client is done
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]), backlog=256)
    async with server:
        await server.serve_forever()


asyncio.run(main())
