-- PostgreSQL's clock, which decides leases.

-- name: read
-- What it says, and whether the server is on another machine, as far as addresses can tell.
SELECT clock_timestamp() AS at,
       coalesce(inet_server_addr() <> inet_client_addr(), false) AS is_elsewhere
