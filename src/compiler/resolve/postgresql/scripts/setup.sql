-- What is declared, whatever there is. The values come from the environment of psql, so that none
-- is on a command line, and psql quotes them.

\set database `printf %s "$DATABASE"`
\set user `printf %s "$DATABASE_USER"`
\set password `printf %s "$DATABASE_PASSWORD"`
\set admin_password `printf %s "$ADMIN_PASSWORD"`
\set replication_password `printf %s "$REPLICATION_PASSWORD"`

SET password_encryption = 'scram-sha-256';

ALTER ROLE postgres WITH LOGIN SUPERUSER PASSWORD :'admin_password';

-- Replicas follow with this role, and can do nothing else.
SELECT 'CREATE ROLE replicator'
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'replicator') \gexec
ALTER ROLE replicator WITH LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE
    PASSWORD :'replication_password';

-- The exporter reads statistics, from the same pod only: it has no password.
SELECT 'CREATE ROLE exporter'
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'exporter') \gexec
ALTER ROLE exporter WITH LOGIN NOREPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD NULL;
GRANT pg_monitor TO exporter;

SELECT format('CREATE ROLE %I', :'user')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user') \gexec
ALTER ROLE :"user" WITH LOGIN NOREPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE
    PASSWORD :'password';

SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'user')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
ALTER DATABASE :"database" OWNER TO :"user";
