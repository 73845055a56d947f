"""Greet with other queues what `benchmarks.instant` greets with Heyday: `make bench-peers`.

peers.py       which they are, and how each is run
servers.py     PostgreSQL, RabbitMQ, the provider
measuring.py   one run of one of them
figures.py     what comes out of a run
page.py        the table in docs/performance.md
limit.py       what stops Heyday at less than is aimed at: `make bench-limit`
sampling.py    what its workers are doing meanwhile
programs/      what a user would write with each; they run in a venv of their own
"""
