#!/bin/sh
# Says plainly what is missing on this machine; as root on Debian or Ubuntu it installs what the tests need.
set -eu

# What PDFs are drawn with. Without it the journal runs, and says so where a PDF is asked for.
has_pdf() {
    "$1" -c 'import ctypes.util as u, sys; sys.exit(not (u.find_library("pango-1.0") and u.find_library("pangoft2-1.0") and u.find_library("harfbuzz-subset")))'
}
PDF="libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig fonts-dejavu-core"
install() {
    echo "Installing: $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; }

case "$1" in
pdf)
    has_pdf "$2" && exit 0
    # shellcheck disable=SC2086
    if may_install && install $PDF; then exit 0; fi
    echo "Summaries as PDF need: $PDF. On Debian or Ubuntu: sudo apt-get install $PDF" >&2
    echo "The journal runs without them." >&2
    ;;
python)
    if [ -z "${2:-}" ]; then
        echo "Python 3.11 or newer is missing. On Debian or Ubuntu: apt-get install python3 python3-venv" >&2
        exit 1
    fi
    if ! "$2" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
        echo "The journal needs Python 3.11 or newer; $2 is older. Install python3.11 and try again." >&2
        exit 1
    fi
    if ! "$2" -c 'import venv, ensurepip' 2>/dev/null; then
        echo "Python's venv is missing. On Debian or Ubuntu: apt-get install python3-venv" >&2
        exit 1
    fi
    ;;
test)
    missing=""
    command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
    command -v strace >/dev/null 2>&1 || missing="$missing strace"
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || missing="$missing postgresql"
    has_pdf "$2" || missing="$missing $PDF"
    [ -z "$missing" ] && exit 0
    if may_install; then
        # shellcheck disable=SC2086
        install $missing fonts-dejavu-core
        exit 0
    fi
    echo "The tests need:$missing. On Debian or Ubuntu: sudo apt-get install$missing" >&2
    exit 1
    ;;
esac
