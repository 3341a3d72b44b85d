"""A headless browser to look at a page with."""

import json
import os
import subprocess
import sys

# The protocol wants the two pipes as descriptors 3 and 4, whatever their numbers were.
LAUNCH = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
os.dup2(ends[0], 3)
os.dup2(ends[1], 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Chromium:
    """A headless browser, spoken to in its DevTools protocol over two pipes."""

    FLAGS = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --remote-debugging-pipe"
    )

    def __init__(self, binary, profile):
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(theirs_in), str(theirs_out), binary, *self.FLAGS.split()]
            + [f"--user-data-dir={profile}"],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer, self._number, self._session, self.events = b"", 0, {}, []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._session = {"sessionId": session}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method, **params):
        self._number += 1
        message = {"id": self._number, "method": method, "params": params, **self._session}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        reply = self._read(lambda found: found.get("id") == self._number)
        assert "error" not in reply, reply
        return reply["result"]

    def _read(self, wanted):
        while True:
            while b"\0" not in self._buffer:
                chunk = os.read(self._in, 1 << 20)
                assert chunk, "chromium went away"
                self._buffer += chunk
            line, _, self._buffer = self._buffer.partition(b"\0")
            found = json.loads(line)
            self.events.append(found)
            if wanted(found):
                return found

    def pretend(self, media="", *, dark=False, still=False):
        """Makes the page believe that it is printed, or seen by someone who likes the dark, or no movement."""
        wishes = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if still else "no-preference",
        }
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        self.send("Emulation.setEmulatedMedia", media=media, features=features)

    def show(self, path, width, *, dark=False):
        """Opens a file at a width, as a phone would below 600 pixels."""
        self.events.clear()
        self.pretend(dark=dark)
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600
        )
        self.send("Page.navigate", url=path.as_uri())
        self._read(lambda found: found.get("method") == "Page.loadEventFired")

    def value(self, script):
        """What an expression gives in the page; what a promise gives that it is."""
        reply = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in reply, reply
        return reply["result"].get("value")

    def click(self, selector):
        """Presses and lets go of the mouse in the middle of an element, which must be what lies there."""
        spot = self.value(
            "(async () => { const e = document.querySelector(" + json.dumps(selector) + ");"
            " e.scrollIntoView({block: 'center', behavior: 'instant'});"
            # What moved before may yet be scrolled back into its place.
            " for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);"
            " const box = e.getBoundingClientRect(), at = [box.x + box.width / 2, box.y + box.height / 2];"
            " const top = document.elementFromPoint(...at);"
            " return e.contains(top) || top.contains(e) ? at : null; })()"
        )
        assert spot is not None, f"{selector} is covered"
        self.click_at(*spot)

    def click_at(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key):
        """Presses a key and lets go of it: a letter, or one by its name such as Enter or ArrowRight."""
        codes = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowRight": 39, "ArrowLeft": 37}
        what = {"key": key, "code": key, "windowsVirtualKeyCode": codes.get(key, 0)}
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
        self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **what, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **what)

    def complaints(self):
        """Everything the console has said, and every address asked for beside the page's own."""
        said = [e for e in self.events if e.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown")]
        said += [e for e in self.events if e.get("method") == "Runtime.consoleAPICalled"]
        asked = [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return said + [url for url in asked[1:] if not url.startswith("data:")]

    def close(self):
        self._process.terminate()
        self._process.wait(timeout=20)
        os.close(self._out)
        os.close(self._in)
