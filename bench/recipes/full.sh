#!/bin/sh
# Every recipe with its full model, from random weights, on a few real pictures: at least 20 steps, interrupted in
# the middle and resumed, then `eval` of the finished detector. What it prints are the rows of a Markdown table.
#
#   bench/recipes/full.sh TRUEGRAIN PICTURES PAIRS OUT [RECIPE ...]
#
# PICTURES is in GenImage's layout, PAIRS holds SAMPLE/{original,edited,mask}.*; runs go to OUT and are removed.
set -eu
truegrain=$1 pictures=$2 pairs=$3 out=$4
shift 4
mkdir -p "$out"

# one RECIPE DATA BATCH FLAGS...: its row.
one() {
	recipe=$1 data=$2 batch=$3
	shift 3
	run=$out/$recipe log=$out/$recipe.log
	# Ctrl-C in the middle of it: what was learned is saved, exit code 130
	timeout --signal=INT "${INTERRUPT:-10}" "$truegrain" train "$data" -r "$recipe" --from-scratch -o "$run" \
		--restart --set data.batch="$batch" --set log_every=1 "$@" >"$log" 2>&1 || true
	"$truegrain" train --resume "$run" >>"$log" 2>&1
	at=$(sed -n 's/^going on behind batch \([0-9]*\) of epoch \([0-9]*\) .*/batch \1 of epoch \2/p' "$log" | tail -1)
	split=val
	[ "$data" = "$pictures" ] || split=all
	"$truegrain" eval "$data" --split $split --model "$run/detector.safetensors" --limit 10 --view resize \
		>"$out/$recipe.eval" 2>>"$log"
	scored=$(sed -n 's/^ *accuracy \([0-9.]* ([^)]*) %\); .*/\1/p' "$out/$recipe.eval" | head -1)
	awk -F, -v recipe="$recipe" -v batch="$batch" -v at="$at" -v scored="$scored" '
		NR == 1 { for (i = 1; i <= NF; i++) col[$i] = i }
		$col["kind"] == "epoch" { if (!first) first = $col["loss"]; last = $col["loss"] }
		$col["kind"] == "update" { steps = $col["update"]; seconds = $col["seconds"] }
		END { printf "| %s | %s | %d | %.1f | %.4g | %.4g | %s | %s |\n", recipe, batch, steps, seconds / steps, first,
			last, at, scored }' "$run/metrics.csv"
	rm -rf "$run"
}

# sized RECIPE: the recipe with a batch that a small machine holds and as few pictures as 20 steps need.
sized() {
	case $1 in
	fcn-finetuned) one "$1" "$pairs" 2 --set schedule.0.epochs=3 ;;
	cnn-*) one "$1" "$pictures" 4 --set data.generators=[] --set data.limit=16 --set schedule.0.epochs=5 ;;
	vit-*-strong | fcn*) one "$1" "$pictures" 2 --set data.generators=[] --set data.limit=8 --set schedule.0.epochs=5 ;;
	vit-*) one "$1" "$pictures" 2 --set data.generators=[] --set data.limit=8 --set schedule.0.epochs=3 \
		--set schedule.1.epochs=2 ;;
	*) echo "full.sh: no recipe $1" >&2 && exit 2 ;;
	esac
}

[ $# -gt 0 ] || set -- $("$truegrain" train --list | sed 's/ .*//' | grep -v '^basic$')
echo '| recipe | batch | steps | s/step | loss, first epoch | last epoch | resumed behind | eval |'
echo '|---|---|---|---|---|---|---|---|'
for recipe; do sized "$recipe"; done
