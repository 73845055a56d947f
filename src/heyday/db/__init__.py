"""Reach PostgreSQL: schema, migrations, named SQL, and the stores that the services use."""
