#!/bin/sh
# Shows the whole way on the cluster that KUBECONFIG names: build, sign, apply, change, roll back.
set -eu
cd "$(dirname "$0")/.."

apply=target/debug/a4co-apply
author=target/debug/a4co
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# A control plane of our own goes away by itself; somebody's cluster has to be left as it was.
if [ -z "${A4CO_TEST_KUBECONFIG:-}" ]; then
  if [ -n "$(kubectl get namespace a4co-dev --ignore-not-found --output name)" ]; then
    echo "the namespace a4co-dev exists in this cluster already; the demo would change it" >&2
    exit 1
  fi
  trap 'kubectl delete namespace a4co-dev --ignore-not-found; rm -rf "$work"' EXIT
fi

say() { printf '\n\033[1m# %s\033[0m\n' "$1"; }
run() { printf '$ %s\n' "$*"; "$@"; }

say "A development key and a trust file that names it"
run "$author" keygen --out "$work/key"
export A4CO_TRUST="$work/key/trust.json"

say "Compile the dev environment into a signed bundle"
run "$author" build dev --key "$work/key/a4co-key" --out "$work"

say "Anyone can verify it, with no network"
run "$apply" verify "$work/dev.tar.gz"

say "Install it"
run "$apply" "$work/dev.tar.gz"
run "$apply" status

say "Change the log level of every service, and see what that would do"
cp -r envs lockfiles "$work"
sed -i 's/^LOG_LEVEL = .*/LOG_LEVEL = "info"/' "$work/envs/dev.toml"
run "$author" build dev --root "$work" --key "$work/key/a4co-key" --out "$work/changed"
run "$apply" plan "$work/changed/dev.tar.gz"

say "Apply the change"
before=$("$apply" status --output json | sed -n 's/^ *"release": "sha256:\([0-9a-f]\{12\}\).*/\1/p')
run "$apply" "$work/changed/dev.tar.gz"

say "Go back by hash: no file, no registry, only the API server"
run "$apply" rollback "$before"
run "$apply" history
