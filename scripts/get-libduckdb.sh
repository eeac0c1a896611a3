#!/bin/sh
# Obtains the prebuilt libduckdb once: get-libduckdb.sh HOME WANTED
#   HOME    where this script keeps the library it obtains
#   WANTED  the folder that the build links from (DUCKDB_LIB_DIR, or HOME)
# In this order: a library that is there; the npm package of DuckDB's node bindings; the official release.
set -eu
home=$1
wanted=$2
version=1.5.6

missing() {
    echo "kycmart: $1 is missing. $2" >&2
    exit 1
}

command -v cargo >/dev/null || missing "Rust (cargo)" "Install it with rustup, or set CARGO."
command -v cc >/dev/null || missing "a C compiler (cc)" "Install gcc or clang, for instance: apt-get install gcc"

for library in "$wanted"/libduckdb.so "$wanted"/libduckdb.dylib; do
    [ -e "$library" ] && exit 0
done
[ "$wanted" = "$home" ] || missing "libduckdb in $wanted" "Unset DUCKDB_LIB_DIR to have it obtained."

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) platform=linux-x64 archive=linux-amd64 ;;
    Linux-aarch64) platform=linux-arm64 archive=linux-arm64 ;;
    Darwin-arm64) platform=darwin-arm64 archive=osx-universal ;;
    Darwin-x86_64) platform=darwin-x64 archive=osx-universal ;;
    *) missing "a prebuilt libduckdb for $(uname -s) $(uname -m)" "Build with: cargo build --release --features bundled" ;;
esac

mkdir -p "$home"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

from_npm() {
    command -v npm >/dev/null || return 1
    package="@duckdb/node-bindings-$platform@$version-r.1"
    sum=$(sed -n "s/^\([0-9a-f]\{64\}\)  $platform\$/\1/p" "$(dirname "$0")/libduckdb.sha256")
    [ -n "$sum" ] || return 1
    echo "obtaining libduckdb $version from the npm package $package"
    (cd "$scratch" && npm pack --silent "$package" >/dev/null 2>&1) || return 1
    file=$(ls "$scratch"/*.tgz)
    if command -v sha256sum >/dev/null; then found=$(sha256sum "$file"); else found=$(shasum -a 256 "$file"); fi
    if [ "${found%% *}" != "$sum" ]; then
        echo "kycmart: $package is not what it was: checksum ${found%% *}" >&2
        exit 1
    fi
    tar -xzf "$file" -C "$scratch"
    mv "$scratch"/package/libduckdb.* "$home"/
}

from_release() {
    command -v curl >/dev/null && command -v unzip >/dev/null || return 1
    echo "obtaining libduckdb $version from the official release"
    url="https://github.com/duckdb/duckdb/releases/download/v$version/libduckdb-$archive.zip"
    curl -fsSL -o "$scratch/lib.zip" "$url" && unzip -q "$scratch/lib.zip" -d "$scratch/release" || return 1
    mv "$scratch"/release/libduckdb.* "$home"/
}

from_npm || from_release || missing "libduckdb" "Install npm (or curl, unzip and plain internet access), or set DUCKDB_LIB_DIR to a folder that has libduckdb $version."
