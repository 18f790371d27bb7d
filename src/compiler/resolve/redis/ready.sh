#!/bin/sh
# Succeeds if what Redis tells of itself has each of the given lines. The password is in
# REDISCLI_AUTH.
info=$(redis-cli -h 127.0.0.1 -p 6379 info | tr -d '\r')
for line in "$@"; do
  if ! printf '%s\n' "$info" | grep -q -x -F "$line"; then
    printf 'not %s\n' "$line" >&2
    exit 1
  fi
done
