#!/bin/sh
# Succeeds if the server is what this pod is for: a primary that takes changes, or a replica that
# gets them.
case $MEMBER in
    primary) query='SELECT NOT pg_is_in_recovery()' ;;
    replica)
        query="SELECT pg_is_in_recovery()
            AND EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')"
        ;;
esac
answer=$(PGCONNECT_TIMEOUT=3 psql --no-psqlrc --no-password --no-align --tuples-only --quiet \
    --username=postgres --dbname=postgres --command="$query")
[ "$answer" = t ]
