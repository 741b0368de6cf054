#!/bin/sh
# Assembles every ptx/*.ptx with ptxas and fails on what it refuses, on spilled registers, and on C75xx lines (a
# wgmma that would run serialised). PTXAS names the assembler; it must be 12.4 or later. Without one it says so and
# checks nothing. The names of stems as arguments limit it to those.
set -e
cd "$(dirname "$0")"
PTXAS=${PTXAS:-ptxas}
if ! command -v "$PTXAS" >/dev/null; then
    echo "ptx not assembled: there is no $PTXAS (12.4 or later; make ptxas PTXAS=/path/to/ptxas)"
    exit 0
fi
[ $# -gt 0 ] || set -- $(cd ptx && ls *.ptx | sed 's/\.ptx$//')
bad=0
for stem; do
    case $stem in *_sm90) arch=sm_90a ;; *) arch=sm_80 ;; esac
    log=$("$PTXAS" -v -arch=$arch "ptx/$stem.ptx" -o /dev/null 2>&1) || { echo "$stem: $log"; bad=1; continue; }
    echo "$log" | sed -n "s/.*Compiling entry function '\([^']*\)'.*/\1/p; s/.*Used \([0-9]* registers\).*/  \1/p" |
        paste -d' ' - - | sed "s/^/$stem: /"
    if echo "$log" | grep -E '[1-9][0-9]* bytes spill|C75[0-9][0-9]'; then bad=1; fi
done
exit $bad
