"""The WSGI application that gunicorn serves with threads."""
import os
import threading


def work(depth, text):
    if depth:
        return work(depth - 1, text + "<li>%d</li>" % depth)
    return "".join(sorted(text)) and text


def in_a_thread(answers):
    answers.append(work(20, "thread"))


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/thread":
        answers = []
        thread = threading.Thread(target=in_a_thread, args=(answers,))
        thread.start()
        thread.join()
        body = answers[0].encode()
    elif path == "/process":
        pid = os.posix_spawn("/bin/true", ["true"], {})
        if os.waitpid(pid, 0)[1] != 0:
            raise OSError("/bin/true failed")
        body = b"process"
    else:
        body = work(30, "hello").encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
