"""A headless Chromium, driven over its debugging pipe: JSON messages that end with a NUL byte."""

import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

DEADLINE_S = 60


class BrowserError(Exception):
    """The browser has ended, or did not answer in time, or refused a command."""


def find_chromium():
    """The program's path, or None."""
    return shutil.which(os.environ.get("CHROMIUM", "chromium"))


def _pipe_above(lowest):
    """A pipe neither end of which is a descriptor that the child will be given another meaning."""
    ends = os.pipe()
    moved = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, lowest) for end in ends]
    for end in ends:
        os.close(end)
    return moved


class Browser:
    """One process with a profile of its own, which goes with it. A context manager."""

    def __init__(self, program):
        self._home = tempfile.mkdtemp(prefix="chromium.", dir=os.environ.get("TEST_TMPDIR"))
        to_read, self._out = _pipe_above(10)
        self._in, to_write = _pipe_above(10)

        def give_pipe():
            os.dup2(to_read, 3)
            os.dup2(to_write, 4)

        self._log = open(os.path.join(self._home, "log"), "wb")
        self._process = subprocess.Popen(
            [program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-breakpad", "--window-size=1280,900",
             "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={self._home}/profile", "about:blank"],
            preexec_fn=give_pipe, pass_fds=(3, 4), start_new_session=True, stdin=subprocess.DEVNULL,
            stdout=self._log, stderr=self._log,
            env={**os.environ, "HOME": self._home, "XDG_CONFIG_HOME": self._home})
        os.close(to_read)
        os.close(to_write)
        self._rest = b""
        self._last_id = 0
        self.events = []  # those that have come and were not taken yet

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close")
            self._process.wait(10)
        except (BrowserError, OSError, subprocess.TimeoutExpired):
            pass
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        os.close(self._out)
        os.close(self._in)
        self._log.close()
        shutil.rmtree(self._home, ignore_errors=True)

    def _message(self, deadline):
        while b"\0" not in self._rest:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise BrowserError("the browser does not answer")
            if not select.select([self._in], [], [], left_s)[0]:
                continue
            some = os.read(self._in, 1 << 16)
            if not some:
                with open(os.path.join(self._home, "log"), errors="replace") as log:
                    raise BrowserError("the browser has ended:\n" + log.read()[-2000:])
            self._rest += some
        text, self._rest = self._rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, session=None, **params):
        """The result of a command; events that come meanwhile are kept."""
        self._last_id += 1
        command = {"id": self._last_id, "method": method, "params": params}
        if session is not None:
            command["sessionId"] = session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self._out, data):]
        deadline = time.monotonic() + DEADLINE_S
        while True:
            message = self._message(deadline)
            if message.get("id") != self._last_id:
                self.events.append(message)
            elif "error" in message:
                raise BrowserError(f"{method}: {message['error']}")
            else:
                return message["result"]

    def wait_for_event(self, method, session):
        deadline = time.monotonic() + DEADLINE_S
        while not any(e.get("method") == method and e.get("sessionId") == session for e in self.events):
            self.events.append(self._message(deadline))


class Page:
    """A tab that shows one file."""

    KEYS = {"Enter": 13, "Escape": 27, "Tab": 9,
            "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}

    def __init__(self, browser, path):
        self._browser = browser
        self.url = "file://" + os.path.abspath(path)
        self._target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = browser.call("Target.attachToTarget", targetId=self._target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")
        browser.events.clear()
        self.call("Page.navigate", url=self.url)
        browser.wait_for_event("Page.loadEventFired", self._session)

    def call(self, method, **params):
        return self._browser.call(method, self._session, **params)

    def close(self):
        self._browser.call("Target.closeTarget", targetId=self._target)

    def take_events(self):
        """What has come for this page since the last time."""
        own = [event for event in self._browser.events if event.get("sessionId") == self._session]
        self._browser.events.clear()
        return own

    def value(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_until(self, what, read, is_good, deadline_s=10):
        """Reads until it is good, and returns it; after the deadline an AssertionError says what it was last."""
        deadline = time.monotonic() + deadline_s
        while True:
            last = read()
            if is_good(last):
                return last
            assert time.monotonic() < deadline, f"{what}: still {last!r}"
            time.sleep(0.01)

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x, y):
        self.mouse("mouseMoved", x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def press(self, key):
        more = {"key": key}
        if key in self.KEYS:
            more.update(code=key, windowsVirtualKeyCode=self.KEYS[key])
        else:
            more["text"] = key
        if key == "Enter":
            more["text"] = "\r"
        self.call("Input.dispatchKeyEvent", type="keyDown", **more)
        more.pop("text", None)
        self.call("Input.dispatchKeyEvent", type="keyUp", **more)

    def type(self, text):
        self.call("Input.insertText", text=text)
