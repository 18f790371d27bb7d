#!/bin/sh
# Lets new connections go elsewhere, then transactions end, then the pooler. Waits for its end: the
# signal that follows would end it at once.
sleep "$DRAIN_SECONDS"
pooler=$(cat "$RUN/pgbouncer.pid")
kill -INT "$pooler"
while kill -0 "$pooler" 2>/dev/null; do
    sleep 0.2
done
