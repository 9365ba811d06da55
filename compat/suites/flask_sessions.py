"""Flask with Flask-Session on the node, over real HTTP requests."""

import http.cookiejar
import json
import threading
import urllib.request

import redis
from flask import Flask, jsonify, session
from flask_session import Session
from werkzeug.serving import make_server

from harness import HOST, PORT, case, equal, main

PREFIX = "flask-compat:"
store = redis.Redis(host=HOST, port=PORT)


def application(**settings):
    app = Flask(__name__)
    app.config.update(
        SESSION_TYPE="redis",
        SESSION_REDIS=redis.Redis(host=HOST, port=PORT),
        SESSION_KEY_PREFIX=PREFIX,
        SESSION_PERMANENT=True,
        PERMANENT_SESSION_LIFETIME=100,
        **settings,
    )
    Session(app)

    @app.get("/visit")
    def visit():
        session["visits"] = session.get("visits", 0) + 1
        return jsonify(visits=session["visits"])

    @app.get("/put/<name>/<value>")
    def put(name, value):
        session[name] = value
        return jsonify(dict(session))

    @app.get("/logout")
    def logout():
        session.clear()
        return jsonify({})

    return app


class Site:
    """The application behind a real HTTP server, on a thread."""

    def __enter__(self):
        self.server = make_server("127.0.0.1", 0, application(), threaded=True)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def visitor(self):
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        opener = urllib.request.build_opener(cookies)

        def get(path):
            address = f"http://127.0.0.1:{self.server.server_port}{path}"
            with opener.open(address, timeout=20) as answer:
                return json.load(answer)

        return get


@case
def sessions_follow_their_cookie():
    with Site() as site:
        ann, bob = site.visitor(), site.visitor()
        equal([ann("/visit")["visits"] for _ in range(3)], [1, 2, 3])
        equal(bob("/visit")["visits"], 1)
        equal(ann("/put/name/Ann")["name"], "Ann")
        equal("name" in bob("/put/other/x"), False)
        equal(ann("/visit")["visits"], 4)
        ann("/logout")
        equal(ann("/visit")["visits"], 1)
        equal(bob("/visit")["visits"], 2)


@case
def sessions_are_stored_with_an_expiry_and_survive_the_application():
    for name in store.scan_iter(match=f"{PREFIX}*"):
        store.delete(name)
    with Site() as site:
        visitor = site.visitor()
        visitor("/visit")
        names = list(store.scan_iter(match=f"{PREFIX}*"))
        equal(len(names), 1)
        equal(90 <= store.ttl(names[0]) <= 100, True)
    client = application().test_client()
    client.set_cookie("session", names[0].decode().removeprefix(PREFIX))
    equal(client.get("/visit").json, {"visits": 2})
    store.delete(names[0])
    equal(client.get("/visit").json, {"visits": 1})


@case
def visitors_side_by_side_do_not_mix():
    with Site() as site:
        results = {}

        def work(number):
            get = site.visitor()
            for i in range(20):
                got = get(f"/put/mine/{number}-{i}")
            results[number] = (got["mine"], get("/visit")["visits"])

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(results, {number: (f"{number}-19", 1) for number in range(8)})


if __name__ == "__main__":
    main()
