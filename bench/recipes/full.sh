#!/bin/sh
# Every recipe with its full model, from random weights, on a few real pictures: at least 20 steps,
# interrupted in the middle and resumed, then `eval` of the finished detector. What it prints are the rows of
# a Markdown table.
#
#   bench/recipes/full.sh TRUEGRAIN PICTURES PAIRS OUT [RECIPE ...]
#
# PICTURES is in GenImage's layout, PAIRS holds SAMPLE/{original,edited,mask}.*; runs go to OUT and are
# removed.
set -eu
truegrain=$1 pictures=$2 pairs=$3 out=$4/full
shift 4
. "$(dirname "$0")/runs.sh"

# updates RUN: how many updates its log has.
updates() { awk '/^update/ { n++ } END { print n + 0 }' "$1/metrics.csv" 2>/dev/null || echo 0; }

# interrupted RECIPE DATA FLAGS...: begins a run and stops it in the middle of its first epochs by SIGTERM,
# since a shell lets what it runs in the background ignore Ctrl-C: what was learned is saved, exit code 130.
interrupted() {
	run=$out/$1 data=$2 log=$out/$1.log
	shift 2
	"$truegrain" train "$data" "$@" -o "$run" >"$log" 2>&1 &
	begun=$!
	while kill -0 $begun 2>/dev/null && [ "$(updates "$run")" -lt 3 ]; do sleep 0.2; done
	kill -TERM $begun 2>/dev/null || true
	code=0
	wait $begun || code=$?
	[ $code -eq 130 ] || { echo "full.sh: $recipe ended with $code, not 130: $log" >&2 && exit 1; }
}

# one RECIPE DATA BATCH FLAGS...: its row.
one() {
	recipe=$1 from=$2 batch=$3
	shift 3
	set -- -r "$recipe" --from-scratch --set data.batch="$batch" --set log_every=1 --set checkpoint.minutes=1 "$@"
	if asked "$recipe" "$@" && finished "$recipe"; then return; fi
	[ -f "$out/$recipe/run.yaml" ] || interrupted "$recipe" "$from" "$@"
	learn "$recipe" "$from" || { echo "full.sh: $recipe failed: $log" >&2 && exit 1; }
	at=$(sed -n 's/^going on behind batch \([0-9]*\) of epoch \([0-9]*\) .*/batch \1 of epoch \2/p' "$log" | head -1)
	split=val
	[ "$from" = "$pictures" ] || split=all
	"$truegrain" eval "$from" --split $split --model "$run/detector.safetensors" --limit 10 --view resize \
		--no-by-generator >"$out/$recipe.eval" 2>>"$log"
	scored=$(sed -n 's/^ *accuracy \([0-9.]* ([^)]*) %\).*/\1/p' "$out/$recipe.eval" | head -1)
	awk -F, -v recipe="$recipe" -v batch="$batch" -v at="$at" -v scored="$scored" '
		NR == 1 { for (i = 1; i <= NF; i++) col[$i] = i }
		$col["kind"] == "epoch" { if (!first) first = $col["loss"]; last = $col["loss"] }
		$col["kind"] == "update" { steps = $col["update"]; seconds = $col["seconds"] }
		END { printf "| %s | %s | %d | %.1f | %.4g | %.4g | %s | %s |\n", recipe, batch, steps, seconds / steps, first,
			last, at, scored }' "$run/metrics.csv" | keep "$recipe"
	rm -rf "$run"
}

# sized RECIPE: the recipe with a batch that a small machine holds and as few pictures as 20 steps in two
# epochs need, small ones of one set: calibrating and testing looks at all crops of every picture.
sized() {
	few="--set data.generators=[eenx16-mini]"
	case $1 in
	fcn-finetuned) one "$1" "$pairs" 2 --set schedule.0.epochs=3 ;;
	cnn-*) one "$1" "$pictures" 4 $few --set data.limit=40 --set schedule.0.epochs=2 ;;
	vit-*-strong) one "$1" "$pictures" 1 $few --set data.limit=10 --set schedule.0.epochs=2 ;;
	fcn*) one "$1" "$pictures" 2 $few --set data.limit=20 --set schedule.0.epochs=2 ;;
	vit-*) one "$1" "$pictures" 2 $few --set data.limit=20 --set schedule.0.epochs=1 --set schedule.1.epochs=1 ;;
	*) echo "full.sh: no recipe $1" >&2 && exit 2 ;;
	esac
}

[ $# -gt 0 ] || set -- $("$truegrain" train --list | sed 's/ .*//' | grep -v '^basic$')
echo '| recipe | batch | steps | s/step | loss, first epoch | last epoch | resumed behind | eval |'
echo '|---|---|---|---|---|---|---|---|'
for recipe; do sized "$recipe"; done
