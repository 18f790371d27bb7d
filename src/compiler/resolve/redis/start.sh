#!/bin/sh
# Starts Redis with its password, which is in no file but one in memory. Each byte of it is written
# as its number, so that none has a meaning there.
set -eu
umask 077

: "${REDISCLI_AUTH:?is empty}"

bytes=$(printf '%s' "$REDISCLI_AUTH" | od -A n -t x1 -v | tr -d ' \n' | sed 's/../\\x&/g')
printf 'requirepass "%s"\nmasterauth "%s"\n' "$bytes" "$bytes" >/run/redis/password.conf
exec redis-server /etc/redis/redis.conf
