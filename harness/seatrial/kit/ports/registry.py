"""Which provider stands behind a port: chosen once per app, swapped in tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar, cast

from flask import Flask, current_app

T = TypeVar("T")
Interface: TypeAlias = Callable[..., T]
"""A class. Not `type[T]`: mypy lets no abstract class stand there."""
EXTENSION = "seatrial_ports"


class PortMissing(LookupError):
    """Nobody said what stands behind a port."""


class Ports:
    """Interface → what gives it. Providers are made when they are first asked for, once."""

    def __init__(self, app: Flask | None = None) -> None:
        self._makers: dict[type[Any], Callable[[], Any]] = {}
        self._made: dict[type[Any], Any] = {}
        self._lock = threading.RLock()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        app.extensions[EXTENSION] = self

    def provide(self, port: Interface[T], provider: T | Callable[[], T]) -> None:
        """Put a provider, or a function without arguments that makes one, behind a port.

        Raises:
            TypeError: It is neither.
        """
        interface = cast(type[T], port)
        given = isinstance(provider, interface)
        if not given and not callable(provider):
            raise TypeError(f"{provider!r} is neither a {interface.__name__} nor a function that makes one")
        with self._lock:
            self._makers[interface] = (lambda: provider) if given else cast(Callable[[], T], provider)
            self._made.pop(interface, None)

    def get(self, port: Interface[T]) -> T:
        """What stands behind the port.

        Raises:
            PortMissing: Nothing does.
            TypeError: What was made is no such provider.
        """
        interface = cast(type[T], port)
        name = interface.__name__
        with self._lock:
            if interface not in self._made:
                if interface not in self._makers:
                    raise PortMissing(f"nothing stands behind {name}: call provide({name}, …) first")
                made = self._makers[interface]()
                if not isinstance(made, interface):
                    raise TypeError(f"{made!r} was made to stand behind {name} and is none")
                self._made[interface] = made
            return cast(T, self._made[interface])

    @contextmanager
    def swapped(self, port: Interface[Any], provider: T) -> Iterator[T]:
        """Another provider for the time of a test."""
        interface = cast(type[Any], port)
        with self._lock:
            maker, made = self._makers.get(interface), self._made.get(interface)
            self.provide(interface, provider)
        try:
            yield provider
        finally:
            with self._lock:
                self._makers.pop(interface)
                self._made.pop(interface, None)
                if maker is not None:
                    self._makers[interface] = maker
                if made is not None:
                    self._made[interface] = made


def ports(app: Flask | None = None) -> Ports:
    """The registry of the app.

    Raises:
        PortMissing: The app has none.
    """
    found = (app or current_app).extensions.get(EXTENSION)
    if not isinstance(found, Ports):
        raise PortMissing("this app has no ports: make them with Ports(app)")
    return found
