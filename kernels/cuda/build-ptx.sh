#!/bin/sh
# src/*.cu -> ptx/*.ptx with clang-19, no NVIDIA SDK. The names of stems as arguments limit it to those; --check
# compiles into a temporary folder and compares.
# *_sm90.cu use TMA and wgmma and are compiled for sm_90a; the others run on sm_80 and later.
set -e
cd "$(dirname "$0")"
CLANG=${CLANG:-clang-19}
if ! command -v "$CLANG" >/dev/null; then
    echo "make ptx needs clang 19, and there is no $CLANG: install Debian's package clang-19," >&2
    echo "or name the compiler: make ptx CLANG=/path/to/clang" >&2
    exit 1
fi
out=ptx
if [ "$1" = --check ]; then
    shift
    out=$(mktemp -d)
    trap 'rm -r "$out"' EXIT
fi
[ $# -gt 0 ] || set -- $(cd src && ls *.cu | sed 's/\.cu$//')
for stem; do
    case $stem in
    *_sm90) target="--cuda-gpu-arch=sm_90a --cuda-feature=+ptx83" ;; # 8.3: driver 545 and later
    *) target="--cuda-gpu-arch=sm_80 --cuda-feature=+ptx80" ;;       # 8.0: driver 525 and later
    esac
    # shellcheck disable=SC2086
    "$CLANG" -x cuda --cuda-device-only -nocudainc -nocudalib -S $target -O3 -std=c++17 -Wall -Werror -Isrc \
        "src/$stem.cu" -o "$out/$stem.tmp"
    sed -e 's,[[:space:]]*//.*$,,' -e '/^[[:space:]]*$/d' "$out/$stem.tmp" >"$out/$stem.ptx"
    rm "$out/$stem.tmp"
done
[ "$out" = ptx ] && exit 0
for stem; do
    cmp "$out/$stem.ptx" "ptx/$stem.ptx" || { echo "ptx/$stem.ptx is not what src/$stem.cu gives: run 'make ptx'" >&2; exit 1; }
done
for f in ptx/*.ptx; do
    [ -f "src/$(basename "$f" .ptx).cu" ] || { echo "$f has no source" >&2; exit 1; }
done
