"""Give tests a real Postfix: a private one of the program that is installed here.

It takes letters for people of example.org, over TLS too, and puts them into a Maildir.
"""

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.certificates import Certificate
from tests.rabbitmq import free_port
from tests.servers import missing

_STARTS_WITHIN = 20.0
_LOOK_EVERY = 0.05
_PATH = f"{os.defpath}:/usr/sbin"
_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mail.example.org
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
smtputf8_enable = yes
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = regexp:{{ {{/^person.*@/ all/}} {{/^żółw@/ all/}} }}
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_tls_security_level = may
smtpd_tls_chain_files = {key}, {certificate}
smtpd_recipient_restrictions = reject_unauth_destination
smtpd_relay_restrictions = reject_unauth_destination
message_size_limit = 20000
in_flow_delay = 0
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
tlsmgr unix - - n 1000? 1 tlsmgr
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    """Hold where it listens, and where letters go."""

    port: int
    folder: Path

    def letters(self) -> list[bytes]:
        """Return what was delivered, oldest first."""
        found = sorted((self.folder / "mail" / "all" / "new").glob("*"))
        return [path.read_bytes() for path in found]

    def wait_for_letters(self, count: int) -> list[bytes]:
        """Return what was delivered, once there are so many."""
        tries = int(_STARTS_WITHIN / _LOOK_EVERY)
        while len(found := self.letters()) < count:
            tries -= 1
            assert tries, f"{len(found)} letters came, not {count}; {self.log()}"
            threading.Event().wait(_LOOK_EVERY)
        return found

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text("utf-8", "replace") if path.exists() else "no log"


@pytest.fixture
def postfix(certificate: Certificate) -> Iterator[Postfix]:
    """A Postfix of the test's own."""
    program = shutil.which("postfix", path=_PATH)
    if program is None or os.getuid() != 0:
        missing("Postfix, as root", "apt-get install postfix")
    folder = Path(tempfile.mkdtemp(prefix="heyday-postfix-"))
    try:
        with _running(program, folder, certificate) as found:
            yield found
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _running(program: str, folder: Path, certificate: Certificate) -> Iterator[Postfix]:
    port = free_port()
    owner, mailbox = pwd.getpwnam("postfix"), pwd.getpwnam("nobody")
    folder.chmod(0o755)
    for name, account in (("queue", None), ("data", owner), ("mail", mailbox), ("etc", None)):
        (folder / name).mkdir()
        if account:
            os.chown(folder / name, account.pw_uid, account.pw_gid)
    pem = {"key": certificate.key.read_bytes(), "certificate": certificate.path.read_bytes()}
    for name, content in pem.items():
        (folder / "etc" / name).write_bytes(content)
    main = _MAIN.format(
        folder=folder,
        uid=mailbox.pw_uid,
        gid=mailbox.pw_gid,
        key=folder / "etc" / "key",
        certificate=folder / "etc" / "certificate",
    )
    (folder / "etc" / "main.cf").write_text(main, "utf-8")
    (folder / "etc" / "master.cf").write_text(_MASTER.format(port=port), "utf-8")
    control = [program, "-c", str(folder / "etc")]
    done = subprocess.run([*control, "start"], check=False, capture_output=True, text=True)
    found = Postfix(port, folder)
    try:
        assert done.returncode == 0, f"{done.stderr}{found.log()}"
        _wait_until_up(found)
        yield found
    finally:
        subprocess.run([*control, "stop"], check=False, capture_output=True)


def _wait_until_up(found: Postfix) -> None:
    tries = int(_STARTS_WITHIN / _LOOK_EVERY)
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", found.port)) as s:
            s.settimeout(_STARTS_WITHIN)
            if s.recv(3) == b"220":
                return
        tries -= 1
        assert tries, f"Postfix did not start: {found.log()}"
        threading.Event().wait(_LOOK_EVERY)
