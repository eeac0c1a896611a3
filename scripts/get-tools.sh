#!/bin/sh
# Obtains what tests/it runs beside the program, on Debian and its kin: get-tools.sh FOLDER
#   promtool  checks kycmart.prom: taken out of the package `prometheus` into FOLDER, no service is installed
#   Chromium  renders report.html: KYCMART_CHROMIUM, or on PATH; else installed with apt, as root
# What is there is left alone. Exits with 1 where one of them cannot be had; the other is obtained all the same.
set -eu
[ $# -eq 1 ] || { echo "usage: get-tools.sh FOLDER" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
code=0

missing() {
    echo "kycmart: $1 is missing. $2" >&2
    code=1
}

have() { command -v "$1" >/dev/null 2>&1; }

# apt's lists may be absent (a fresh container) or old (a package of then is gone): try, else bring them up to date.
apt_with() {
    "$@" >/dev/null 2>&1 && return 0
    [ "$(id -u)" = 0 ] || return 1
    apt-get update -qq >/dev/null && "$@" >/dev/null
}

fonts() {
    # Without any font Chromium draws empty boxes.
    if have fc-list && [ -n "$(fc-list 2>/dev/null | head -1)" ]; then return 0; fi
    [ -d /usr/share/fonts/truetype/dejavu ]
}

get_chromium() {
    if [ -n "${KYCMART_CHROMIUM:-}" ] || have chromium || have chromium-browser || have google-chrome; then
        fonts && return 0
    fi
    have apt-get && [ "$(id -u)" = 0 ] || return 1
    echo "installing chromium and fonts-dejavu-core with apt"
    apt_with env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium fonts-dejavu-core
}

download() { (cd "$scratch" && apt-get -o APT::Sandbox::User=root download prometheus); }

get_promtool() {
    if [ -n "${KYCMART_PROMTOOL:-}" ] || have promtool || [ -x "$folder/promtool" ]; then return 0; fi
    have apt-get && have dpkg-deb || return 1
    echo "obtaining promtool from the package prometheus into $folder"
    scratch=$(mktemp -d "$folder/.promtool-XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    apt_with download || return 1
    dpkg-deb --fsys-tarfile "$scratch"/prometheus_*.deb | tar -xf - -C "$scratch" ./usr/bin/promtool || return 1
    "$scratch/usr/bin/promtool" --version >/dev/null 2>&1 || return 1
    mv "$scratch/usr/bin/promtool" "$folder/promtool"
}

get_promtool || missing promtool "Install it (Debian: the package prometheus), or name it with KYCMART_PROMTOOL."
get_chromium || missing "Chromium with a font" "Install it (Debian: chromium fonts-dejavu-core), or name it with KYCMART_CHROMIUM."
exit $code
