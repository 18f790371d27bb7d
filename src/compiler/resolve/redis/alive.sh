#!/bin/sh
# Succeeds if Redis answers, also while it loads its data, has lost its master, cannot write to its
# disk or runs a script: a restart would not help. The password is in REDISCLI_AUTH.
answer=$(redis-cli -h 127.0.0.1 -p 6379 ping)
case $answer in
  PONG | LOADING* | MASTERDOWN* | MISCONF* | BUSY*) ;;
  *)
    printf '%s\n' "$answer" >&2
    exit 1
    ;;
esac
