"""Keep a ledger of sends in files, outside the database. Source: docs/adr/0053."""
