#!/usr/bin/env python3
"""A show, an outage, and what follows from it: the guarantee in ten minutes.

    python3 examples/guarantee/story.py

It starts a server of its own on loopback, at ten past the last hour of a
contract's term; viewers watch; the server's media fail for two and a half
minutes, on purpose. You see the fault detected, people called one after the
other, a mark of "not urgent" refused, the service restored, the period settled
by itself, a statement as PDF, and the evidence verified from a copy of its
files alone; then once more with one byte changed. Nothing leaves this machine.

Only Python's own library is needed, and the program `surecast`.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from email import message_from_bytes, policy

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CONTRACT = HERE / "story.contract.yaml"
NAME = "gala-night"
# The last minutes of the contract's only day. Three good ones, the fault and its
# end need seven; on a machine that is busy with something else the server stands
# still now and then, and a minute in which it did is not clear. Six are for that.
BEGIN = "2026-09-30T23:46:50Z"
FAULT_SECONDS = 150
# Something that happens by itself may take this much longer on a busy machine.
PATIENCE = 180
# Until a whole minute was clear after the fault: to the end of the contract's day,
# after which its minutes are nobody's promise any more.
CLEAR_PATIENCE = 480
# From there to midnight, and until the settler has looked.
SETTLE_PATIENCE = 900


class Failure(Exception):
    """The story did not go as it has to."""


def say(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def note(text):
    print(f"  {text}", flush=True)


# -- the outside world: a mail server, viewers ------------------------------

class MailSink(socketserver.ThreadingTCPServer):
    """Takes mails as a company's mail server does, and keeps them."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self):
        self.mails = []
        super().__init__(("127.0.0.1", 0), MailSession)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"smtp://127.0.0.1:{self.server_address[1]}"

    def to(self, address):
        return [mail for to, mail in self.mails if to == address]


class MailSession(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a sender needs."""

    def handle(self):
        self.answer("220 sink ESMTP")
        to = []
        while line := self.rfile.readline():
            words = line.decode("utf-8", "replace").strip()
            verb = words[:4].upper()
            if verb in ("EHLO", "HELO"):
                self.answer("250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8")
            elif verb == "RCPT":
                to.append(re.search(r"<([^>]*)>", words).group(1))
                self.answer("250 OK")
            elif verb == "DATA":
                self.answer("354 Go on")
                self.keep(to, self.data())
                to = []
                self.answer("250 Taken")
            elif verb == "QUIT":
                self.answer("221 Bye")
                return
            else:
                self.answer("250 OK")

    def data(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b"..") else line)
        return message_from_bytes(b"".join(lines), policy=policy.default)

    def keep(self, to, mail):
        self.server.mails.extend((address, mail) for address in to)

    def answer(self, text):
        self.wfile.write(f"{text}\r\n".encode())


class Audience(threading.Thread):
    """A publisher and viewers; when they are through, or thrown out, others come."""

    def __init__(self, program, url, stay):
        super().__init__(daemon=True)
        self.command = [program, "load", "--url", url, "--audio", "--subscribers", "3",
                        "--duration", stay, "--join-rate", "10/s"]
        self.ended = threading.Event()
        self.process = None
        self.start()

    def run(self):
        while not self.ended.is_set():
            self.process = subprocess.Popen(
                self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.process.wait()
            self.ended.wait(1)

    def stop(self):
        self.ended.set()
        if self.process and self.process.poll() is None:
            self.process.terminate()
        self.join(10)


# -- the server -------------------------------------------------------------

class Server:
    def __init__(self, program, directory, mail):
        self.program = program
        self.directory = directory
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("SURECAST_")}
        environment |= {
            "SURECAST_GUARANTEE__REGION": "eu",
            "SURECAST_GUARANTEE__ORIGIN": "harbour.example/log",
            "SURECAST_GUARANTEE__CONTRACTS": str(CONTRACT),
            "SURECAST_GUARANTEE__SETTLE_AFTER": "10s",
            "SURECAST_GUARANTEE__MAIL__SMTP": mail,
            "SURECAST_GUARANTEE__MAIL__FROM": "guarantee@harbour.example",
            "SURECAST_RTC__UDP_PORT": "0",
            "SURECAST_RTC__TCP": "false",
        }
        self.log = open(directory / "server.log", "wb")
        self.process = subprocess.Popen(
            [program, "serve", "--dev", "--dev-time", BEGIN, "--http", "127.0.0.1:0",
             "--data-dir", directory / "data"],
            stdout=subprocess.PIPE, stderr=self.log, env=environment)
        line = self.process.stdout.readline().decode()
        if "ready on" not in line:
            raise Failure(f"the server did not start; see {directory / 'server.log'}")
        self.url = line.split()[-1]

    def token(self, *arguments):
        command = [self.program, "token", "create", "--dev", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def call(self, who, path, body=None, raw=False):
        request = urllib.request.Request(
            f"{self.url}/guarantee/v1{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {who}", "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                data = answer.read()
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf-8", "replace")
            raise Refused(error.code, text) from None
        return data if raw else json.loads(data or b"null")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
        self.log.close()


class Refused(Exception):
    def __init__(self, status, text):
        try:
            text = json.loads(text)["error"]
        except (ValueError, KeyError, TypeError):
            pass
        super().__init__(text)
        self.status = status


def wait_for(what, look, patience=PATIENCE):
    """Until `look` gives something."""
    end = time.monotonic() + patience
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise Failure(f"waited in vain for: {what}")
        time.sleep(0.5)


# -- the story --------------------------------------------------------------

class Story:
    def __init__(self, program, directory):
        self.program = program
        self.directory = directory
        self.mail = MailSink()
        self.server = Server(program, directory, self.mail.url)
        # One show that everybody stays in, and one where people come and go.
        self.audiences = [Audience(program, self.server.url, stay) for stay in ("13m", "20s")]
        role = lambda name, *more: self.server.token("--guarantee-role", name, *more)
        self.operator = role("operator", "--identity", "lea", "--name", "Lea")
        self.agent = role("agent", "--identity", "ben", "--name", "Ben")
        self.expert = role("expert", "--identity", "eva", "--name", "Eva")
        self.customer = role("customer", "--contract", NAME, "--identity", "xing", "--name", "小星")
        self.auditor = role("auditor", "--identity", "otto", "--name", "Otto")

    def end(self):
        for audience in self.audiences:
            audience.stop()
        self.server.stop()

    def get(self, path):
        return self.server.call(self.auditor, f"/contracts/{NAME}{path}")

    def incidents(self):
        return self.get("/incidents")["incidents"]

    def show(self):
        say("1. A show, in the last minutes of its contract")
        note(f"server {self.server.url}, dashboard {self.server.url}/guarantee, "
             f"public page {self.server.url}/status")
        # Before five minutes nobody is woken: a single bad attempt after a start
        # would do it. Three good ones now, and two bad ones are enough.
        wait_for("three good minutes of media in the log", self.good_minutes, 300)
        note("viewers watch, and the log has three good minutes")
        if self.incidents():
            raise Failure(f"incidents before anything happened: {self.incidents()}")

    def good_minutes(self):
        lines = self.server.call(self.auditor, "/status")["status"]["lines"]
        media = next(line for line in lines if line["module"] == "media")
        return sum(minute["state"] == "good" for minute in media["minutes"]) >= 3

    def outage(self):
        say(f"2. The media fail for {FAULT_SECONDS} s, on purpose")
        admin = self.server.token("--room-admin", "--room", "any", "--identity", "drill")
        made = self.server.call(admin, "/faults", {"kind": "drop_udp", "seconds": FAULT_SECONDS})
        self.fault_ends = time.monotonic() + FAULT_SECONDS
        note(f"from now until {made['until']} every UDP packet is dropped")
        found = wait_for("an incident", self.incidents)
        note("detected by the burn of its budget, by nobody's mouth: " + ", ".join(
            f"incident {i['id']}: {i['severity']} {i['module']}" for i in found))

    def ticket(self):
        say("3. The customer writes; an agent calls it not urgent")
        opened = self.server.call(self.customer, f"/contracts/{NAME}/tickets", {
            "subject": "全场黑屏 Black screen for everybody",
            "body": "观众都看不到画面。Nobody sees the show.",
            "about": {"region": "eu"}})["ticket"]
        path = f"/contracts/{NAME}/tickets/{opened}"
        try:
            self.server.call(self.agent, path + "/actions", {"mark": {"urgent": False}})
            raise Failure("the mark was not refused")
        except Refused as refused:
            note(f"refused with {refused.status}: {refused}")
        linked = wait_for("the ticket's incident", lambda: self.get(f"/tickets/{opened}"))
        note(f"ticket {opened} is {linked['severity']} by evidence, "
             f"linked to incident {linked['incident']}")
        if linked["severity"] != "S1":
            raise Failure("the ticket's severity is not that of the evidence")

    def escalation(self):
        say("4. Nobody answers: who is called")
        for role in ("lead", "manager", "expert"):
            address = f"{role}@harbour.example"
            mail = wait_for(f"a mail to {address}", lambda: self.mail.to(address))[0]
            note(f"{time.strftime('%H:%M:%S')}  {address}: {mail['Subject']}")

    def restoration(self):
        say("5. The fault ends; people do their part")
        time.sleep(max(0, self.fault_ends - time.monotonic()))
        for incident in self.incidents():
            self.act(self.operator, incident["id"], "acknowledge")
            try:
                self.act(self.agent, incident["id"], {"lower": {"to": "S4"}})
                raise Failure("an agent lowered a severity")
            except Refused as refused:
                note(f"an agent wants S4: refused: {refused}")
        note("waiting for one whole minute, from its first second to its last, in which every "
             "line of the incidents was within its target; a minute that began before the fault "
             "had ended, or in which this machine had no time for the server, is none")
        wait_for("one clear minute of every line with an incident, before the contract's day ends",
                 self.clear, CLEAR_PATIENCE)
        for incident in self.incidents():
            self.act(self.expert, incident["id"], "resolve")
            self.act(self.expert, incident["id"],
                     {"review": {"text": "A drill: the media ports were deaf for 150 s."}})
            timeline = self.get(f"/incidents/{incident['id']}/timeline")
            note(f"incident {incident['id']} ({incident['module']}): detected after "
                 f"{timeline['detect_s']} s, answered after {timeline['acknowledge_s']} s, "
                 f"restored after {timeline['restore_s']} s")

    def clear(self):
        return all(incident["state"] in ("mitigated", "resolved", "reviewed")
                   for incident in self.incidents())

    def act(self, who, incident, action):
        return self.server.call(who, f"/contracts/{NAME}/incidents/{incident}/actions", action)

    def settlement(self):
        say("6. The day ends; the period is settled without a claim")
        settled = wait_for("the settlement", lambda: self.get("/settlements")["settlements"],
                           SETTLE_PATIENCE)
        path = f"/contracts/{NAME}/settlements/{settled[0]['period']}"
        text = self.server.call(self.auditor, path + "?format=text", raw=True).decode()
        print("\n" + "\n".join("    " + line for line in text.splitlines()))
        statement = self.server.call(self.auditor, path + "?format=json")
        note("the contract promises the whole day, the server began in its last minutes: "
             "what nobody measured counts as down")
        clocks = {breach["clock"] for breach in statement["breaches"]}
        if "response" not in clocks:
            raise Failure("the late response is not on the statement")
        if float(statement["credit"]) <= 0:
            raise Failure("nothing is credited")
        for language in ("en", "zh"):
            pdf = self.server.call(self.customer, f"{path}?format=pdf&lang={language}", raw=True)
            file = self.directory / f"statement.{language}.pdf"
            file.write_bytes(pdf)
            if not pdf.startswith(b"%PDF"):
                raise Failure(f"{file} is no PDF")
            note(f"{file}: {len(pdf):,} bytes")

    def verification(self):
        say("7. Anybody checks it, from a copy of the public files alone")
        self.end()
        copy = self.directory / "copy"
        shutil.copytree(self.directory / "data" / "evidence" / "log", copy)
        code, text = self.verify(copy)
        print("\n" + "\n".join("    " + line for line in text.splitlines()))
        if code != 0:
            raise Failure(f"`evidence verify` says {code} of an honest log")

        say("8. Once more, with one byte of one tile changed")
        tile = max(copy.glob("tile/entries/**/*"), key=lambda f: (f.is_file(), f.stat().st_size))
        data = bytearray(tile.read_bytes())
        at = data.index(b" media eu ") + 1
        data[at] ^= 1
        tile.chmod(0o644)
        tile.write_bytes(data)
        note(f"byte {at} of {tile.relative_to(copy)}")
        code, text = self.verify(copy)
        print("\n" + "\n".join("    " + line for line in text.splitlines()))
        if code != 1 or not re.search(r"leaf \d+", text):
            raise Failure("the change went unnoticed, or the leaf is not named")

    def verify(self, copy):
        done = subprocess.run([self.program, "evidence", "verify", "--log", copy],
                              capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def tell(self):
        self.show()
        self.outage()
        self.ticket()
        self.escalation()
        self.restoration()
        self.settlement()
        self.verification()
        say(f"The end. Everything is in {self.directory}")


def program():
    built = [ROOT / "target" / profile / "surecast" for profile in ("release", "debug")]
    built = sorted((p for p in built if p.exists()), key=lambda p: p.stat().st_mtime)
    return str(built[-1]) if built else shutil.which("surecast")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--surecast", default=program(), metavar="PROGRAM",
                        help="the program [default: the one built here, or the one in PATH]")
    parser.add_argument("--directory", type=pathlib.Path, metavar="DIR",
                        help="an empty directory for all files [default: a new temporary one]")
    parser.add_argument("--replace", action="store_true",
                        help="remove what an earlier story left in that directory")
    arguments = parser.parse_args()
    if not arguments.surecast:
        parser.error("no surecast is built here: run `cargo build --release` first")
    directory = arguments.directory or pathlib.Path(tempfile.mkdtemp(prefix="surecast-story-"))
    if arguments.replace and (directory / "server.log").exists():
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        parser.error(f"{directory} is not empty")
    story = None
    try:
        story = Story(arguments.surecast, directory)
        story.tell()
    except (Failure, Refused) as failure:
        print(f"\nstory.py: {failure}; server log and files are in {directory}", file=sys.stderr)
        return 1
    finally:
        if story:
            story.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
