#!/bin/sh
# Fetches the two files that browsers run but we didn't write, and checks them by hash.
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent chart.js@4.6.1 axe-core@4.14.1)
sha512() { openssl dgst -sha512 -binary "$1" | base64 -w0; }
expect() {
    if [ "$(sha512 "$work/$1")" != "$2" ]; then
        echo "$1 is not the file we expect; nothing was changed." >&2
        exit 1
    fi
}
expect chart.js-4.6.1.tgz "hJyniucsFmq//EvXYvJ6c6mahPoI3kaxdjVH8awTaJ/fDNWeSqqqArixMJWkWNN6fcYvPU3HneSANFNYtRi61g=="
expect axe-core-4.14.1.tgz "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
tar -xzf "$work/chart.js-4.6.1.tgz" -C "$work"
mkdir -p static/vendor/chart.js-4.6.1
grep -v '^//# sourceMappingURL=' "$work/package/dist/chart.umd.min.js" > static/vendor/chart.js-4.6.1/chart.umd.min.js
cp "$work/package/LICENSE.md" static/vendor/chart.js-4.6.1/
rm -r "$work/package"
tar -xzf "$work/axe-core-4.14.1.tgz" -C "$work"
cp "$work/package/axe.min.js" tests/vendor/axe-4.14.1.min.js
cp "$work/package/LICENSE" tests/vendor/axe-LICENSE.txt
