#!/bin/sh
# Succeeds if the server answers, be it that it is still starting. A replica that follows nobody,
# and for which the primary has nothing more, fails: started again, it copies the data anew.
status=0
pg_isready --quiet --timeout=3 || status=$?
[ "$status" -le 1 ] || exit 1
[ "$MEMBER" = replica ] && [ "$status" = 0 ] || exit 0
CONNECT_SECONDS=2
. "$(dirname "$0")/slot.sh"
is_cut_off=$(PGCONNECT_TIMEOUT=2 psql --no-psqlrc --no-password --no-align --tuples-only --quiet \
    --username=postgres --dbname=postgres --command="SELECT pg_is_in_recovery()
        AND NOT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')")
[ "$is_cut_off" = t ] || exit 0
[ "$(slot_state 2>/dev/null)" != lost ]
