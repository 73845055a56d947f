-- What PostgreSQL gets on its first start: the database, and a role that owns it and nothing else.
-- psql runs it as superuser in the container of docker-compose.yml, on an empty volume. For a
-- server of your own see "On your own servers" in docs/setup.md.

\set ON_ERROR_STOP on
\getenv password POSTGRES_PASSWORD

-- The password below belongs neither in the log nor in pg_stat_statements.
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET pg_stat_statements.track = 'none';

CREATE ROLE heyday LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS
  PASSWORD :'password';

-- It must own the tables, for it creates the partitions of coming months. Nobody else comes in.
CREATE DATABASE heyday OWNER heyday;
REVOKE ALL ON DATABASE heyday FROM PUBLIC;
ALTER DATABASE heyday SET timezone = 'UTC';

-- Makes planning for everybody much faster (docs/adr/0008).
GRANT SET ON PARAMETER session_replication_role TO heyday;

\connect heyday
-- In a schema of their own: `heyday db reset` throws the schema `public` away.
CREATE SCHEMA extensions;
GRANT USAGE ON SCHEMA extensions TO heyday;
CREATE EXTENSION "uuid-ossp" SCHEMA extensions;
CREATE EXTENSION pg_stat_statements SCHEMA extensions;
ALTER DATABASE heyday SET search_path = public, extensions;

-- The image gave the superuser the same password. With none, it comes in by the socket alone:
-- docker compose exec postgres psql --username=postgres
ALTER ROLE CURRENT_USER PASSWORD NULL;
