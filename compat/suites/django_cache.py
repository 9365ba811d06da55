"""Django's own Redis cache backend, and sessions kept in it through real views."""

import threading
import time

import django
from django.conf import settings

from harness import HOST, PORT, case, equal, key, main

URL = f"redis://{HOST}:{PORT}/1"
settings.configure(
    SECRET_KEY="not a secret: this site lives for a test",
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    INSTALLED_APPS=["django.contrib.sessions"],
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    CACHES={
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": URL},
        "prefixed": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": URL,
            "KEY_PREFIX": "prefix",
            "VERSION": 2,
            "TIMEOUT": 60,
        },
    },
)
django.setup()

from django.core.cache import cache, caches  # noqa: E402
from django.http import JsonResponse  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import path  # noqa: E402


def count_visit(request):
    request.session["visits"] = request.session.get("visits", 0) + 1
    return JsonResponse({"visits": request.session["visits"]})


def add_to_cart(request, item):
    request.session.setdefault("cart", []).append(item)
    request.session.modified = True
    return JsonResponse({"cart": request.session["cart"]})


def log_in(request):
    request.session.cycle_key()
    return JsonResponse({"visits": request.session.get("visits")})


def log_out(request):
    request.session.flush()
    return JsonResponse({})


urlpatterns = [
    path("visit", count_visit),
    path("cart/<str:item>", add_to_cart),
    path("login", log_in),
    path("logout", log_out),
]


@case
def values_of_many_kinds():
    for value in ["text", 42, 4.5, None, True, b"bytes\0", ["list"], {"a": (1, 2)}, "ü" * 10_000]:
        name = key()
        cache.set(name, value)
        equal(cache.get(name, "missing"), value)
    equal(cache.get(key("none"), "default"), "default")


@case
def add_get_or_set_and_delete():
    name = key()
    equal(cache.add(name, 1), True)
    equal(cache.add(name, 2), False)
    equal(cache.get(name), 1)
    equal(cache.get_or_set(name, 3), 1)
    equal(cache.has_key(name), True)
    equal(name in cache, True)
    equal(cache.delete(name), True)
    equal(cache.delete(name), False)
    equal(cache.get_or_set(name, lambda: 4), 4)
    equal(cache.get(name), 4)


@case
def timeouts_and_touch():
    name = key()
    cache.set(name, "v", timeout=1)
    equal(cache.touch(name, 100), True)
    cache.set(key("other"), "v", timeout=0)
    time.sleep(1.1)
    equal(cache.get(name), "v")
    cache.set(name, "v", timeout=1)
    time.sleep(1.1)
    equal(cache.get(name), None)
    equal(cache.touch(name), False)
    cache.set(name, "for ever", timeout=1)
    equal(cache.touch(name, None), True)
    time.sleep(1.1)
    equal(cache.get(name), "for ever")


@case
def several_at_once():
    names = [key(str(i)) for i in range(200)]
    equal(cache.set_many({name: i for i, name in enumerate(names)}, timeout=100), [])
    equal(cache.get_many([*names, key("none")]), {name: i for i, name in enumerate(names)})
    cache.delete_many(names[:100])
    equal(len(cache.get_many(names)), 100)
    equal(cache.set_many({name: "no end" for name in names}, timeout=None), [])
    equal(len(cache.get_many(names)), 200)


@case
def increments_from_threads():
    name = key()
    cache.set(name, 0)

    def work():
        for _ in range(100):
            cache.incr(name)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(cache.get(name), 600)
    equal(cache.decr(name, 100), 500)
    try:
        cache.incr(key("none"))
    except ValueError:
        return
    raise AssertionError("incr of a missing key must raise ValueError")


@case
def prefixes_and_versions_are_kept_apart():
    name, other = key(), caches["prefixed"]
    cache.set(name, "plain")
    equal(other.get(name), None)
    other.set(name, "prefixed")
    equal((cache.get(name), other.get(name)), ("plain", "prefixed"))
    other.incr_version(name)
    equal((other.get(name), other.get(name, version=3)), (None, "prefixed"))


@case
def clear_empties_one_database():
    name = key()
    cache.set(name, 1)
    cache.clear()
    equal(cache.get(name), None)


@case
def sessions_follow_their_cookie():
    ann, bob = Client(), Client()
    equal([ann.get("/visit").json()["visits"] for _ in range(3)], [1, 2, 3])
    equal(bob.get("/visit").json()["visits"], 1)
    for item in ["book", "pen", "lamp"]:
        ann.get(f"/cart/{item}")
    equal(ann.get("/cart/tea").json()["cart"], ["book", "pen", "lamp", "tea"])
    before = ann.cookies["sessionid"].value
    equal(ann.get("/login").json()["visits"], 3)
    equal(ann.cookies["sessionid"].value == before, False, "a login changes the key")
    ann.get("/logout")
    equal(ann.get("/visit").json()["visits"], 1)
    equal(bob.get("/visit").json()["visits"], 2)


if __name__ == "__main__":
    main()
