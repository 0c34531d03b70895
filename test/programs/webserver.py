"""The web server of `make demo`: the standard library's, with a few worker threads.
Prints its port once every worker is ready."""
import concurrent.futures
import http.server
import os
import signal
import sys
import threading

WORKERS = 3


class Server(http.server.HTTPServer):
    def __init__(self, *args):
        super().__init__(*args)
        self.workers = concurrent.futures.ThreadPoolExecutor(WORKERS, "worker")
        barrier = threading.Barrier(WORKERS + 1)
        for _ in range(WORKERS):
            self.workers.submit(barrier.wait)
        barrier.wait()

    def process_request(self, request, client_address):
        self.workers.submit(super().process_request, request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"hello\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main():
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    with Server(("127.0.0.1", 0), Handler) as server:
        print(server.server_port, flush=True)
        sys.stdout.close()
        server.serve_forever()


main()
