"""Fill a database: a hundred sample people with greetings in every status, or millions.

people.py       the hundred people
sample.py       how they and their greetings get in
history.py      what a greeting went through until it had its status
population.py   people without end, spread over days and zones as the real ones
copying.py      how those reach PostgreSQL fast
"""
