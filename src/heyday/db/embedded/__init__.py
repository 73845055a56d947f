"""Run a private PostgreSQL for a Heyday that was given no DATABASE_URL.

server.py       start, share, stop
cluster.py      the data folder and how it is first made
postmaster.py   the server process, as its lock file names it
launch.py       from root to an ordinary account
accounts.py     which account, and who owns what is created
binaries.py     where the programs are
filelock.py     locks between processes
"""

from heyday.db.embedded.binaries import find_installed_servers
from heyday.db.embedded.cluster import EmbeddedConfig
from heyday.db.embedded.server import EmbeddedServer

__all__ = ["EmbeddedConfig", "EmbeddedServer", "find_installed_servers"]
