#!/bin/sh
# Starts NATS with what differs between servers, and with what is secret, as variables of its
# configuration. NATS reads such variables like parts of the file: each byte is written as its
# number, so that none has a meaning there or in a URL.
set -eu

: "${NATS_USER:?is empty}" "${NATS_PASSWORD:?is empty}"

# Prints each byte of $2 as $1 and two hexadecimal digits.
bytes() {
  printf '%s' "$2" | od -A n -t x1 -v | tr -d ' \n' | sed "s/../$1&/g"
}

quoted() {
  printf '"%s"' "$(bytes '\\x' "$1")"
}

login=$(bytes '%' "$NATS_USER"):$(bytes '%' "$NATS_PASSWORD")
routes=
for peer in ${NATS_PEERS:-}; do
  routes="$routes\"nats://$login@$peer\","
done

export ROUTES="[$routes]"
SERVER_NAME=$(quoted "$POD_NAME")
LOGIN_USER=$(quoted "$NATS_USER")
LOGIN_PASSWORD=$(quoted "$NATS_PASSWORD")
export SERVER_NAME LOGIN_USER LOGIN_PASSWORD
exec nats-server --config /etc/nats/nats.conf
