#!/bin/sh
# Ends the connections and writes everything out. The signal that follows would otherwise make the
# server wait until its clients leave.
[ ! -e "$PGDATA/postmaster.pid" ] || pg_ctl stop --pgdata="$PGDATA" --mode=fast --no-wait
