#!/bin/sh
# Succeeds if the server answers, be it that it is still starting. A replica fails if only a start
# helps it: if it follows nobody and the primary has nothing more for it, it copies the data anew; if
# it waits because the primary has got more of something, it starts with as much.
status=0
pg_isready --quiet --timeout=3 || status=$?
[ "$status" -le 1 ] || exit 1
[ "$MEMBER" = replica ] && [ "$status" = 0 ] || exit 0
CONNECT_SECONDS=2
. "$(dirname "$0")/slot.sh"
. "$(dirname "$0")/settings.sh"

# Asks the server of this pod.
ask_own() {
    PGCONNECT_TIMEOUT=2 psql --no-psqlrc --no-password --no-align --tuples-only --quiet \
        --username=postgres --dbname=postgres --command="$1"
}

is_paused=$(ask_own "SELECT CASE WHEN pg_is_in_recovery()
    THEN pg_get_wal_replay_pause_state() = 'paused' END")
if [ "$is_paused" = t ]; then
    for setting in $(least_settings); do
        if [ "$(ask_own "SHOW ${setting%=*}")" -lt "${setting#*=}" ]; then
            exit 1
        fi
    done
fi
is_cut_off=$(ask_own "SELECT pg_is_in_recovery()
    AND NOT EXISTS (SELECT FROM pg_stat_wal_receiver WHERE status = 'streaming')")
[ "$is_cut_off" = t ] || exit 0
[ "$(slot_state 2>/dev/null)" != lost ]
