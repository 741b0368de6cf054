#!/bin/sh
# Every recipe with a small model, from random weights, to the end of its epochs, on the synthetic set and on
# real pictures: the thesis' recipes beside the stronger ones. What it prints are the rows of a Markdown
# table; accuracy is on pictures that training has not seen, with its 95 % interval and what picture size
# alone gives.
#
#   bench/recipes/mini.sh TRUEGRAIN PICTURES PAIRS OUT [RECIPE ...]
#
# PICTURES is in GenImage's layout, PAIRS holds SAMPLE/{original,edited,mask}.*; runs stay in OUT.
set -eu
truegrain=$1 pictures=$2 pairs=$3 out=$4
shift 4
. "$(dirname "$0")/runs.sh"
mkdir -p "$out"
synthetic=$out/synthetic
[ -f "$out/synth.done" ] || {
	rm -rf "$synthetic"
	"$truegrain" data synth "$synthetic" --train 100 --val 40 --test 60 >"$out/synth.log" 2>&1
	touch "$out/synth.done"
}

# one NAME RECIPE DATA FLAGS...: its row.
one() {
	row=$2-$1 set=$1 recipe=$2 from=$3
	shift 3
	case $recipe in
	cnn-*) set -- -m resnet_mini "$@" ;;
	fcn*) set -- -m fcn8s_mini --set model.aux=skip "$@" ;;
	vit-*) set -- -m vit_mini_8 "$@" ;;
	esac
	if asked "$row" -r "$recipe" --from-scratch "$@" && finished "$row"; then return; fi
	learn "$row" "$from" -r "$recipe" --from-scratch "$@" ||
		{ echo "mini.sh: $recipe on $set failed: $log" >&2 && exit 1; }
	"$truegrain" verify "$run" >>"$log" 2>&1 || { echo "mini.sh: $run does not agree: $log" >&2 && exit 1; }
	best=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) col[$i] = i }
		$col["kind"] == "epoch" { v = $col["val_loss"]; if (!n++) first = v; if (n == 1 || v < best) best = v }
		END { printf "%.4g | %.4g", first, best }' "$run/metrics.csv")
	verdict=$(grep -h ': accuracy .* unseen pictures' "$log" | tail -1)
	accuracy=$(echo "$verdict" | sed 's/.*accuracy \([0-9.]* %\) (\([^)]*\)) on \([0-9]*\) .*/\1 (\2) of \3/')
	floor=$(echo "$verdict" | sed 's/.*size alone \([0-9.]* %\).*/\1/')
	unseen=$(echo "$verdict" | sed -n 's/.*unseen generator \([0-9.]* %\).*/\1/p')
	iou=$(echo "$verdict" | sed -n 's/.*mask IoU \([0-9.]*\).*/, IoU \1/p')
	echo "| $recipe | $set | $accuracy$iou | ${unseen:-—} | $floor | $best |" | keep "$row"
}

# both RECIPE: one generator or all, on both sets.
both() {
	case $1 in
	fcn-finetuned) one pairs "$1" "$pairs" --size 64 --set data.batch=8 ;;
	*-sd14*)
		one synthetic "$1" "$synthetic" --size 64 --set 'data.generators=[peaks]'
		one photos "$1" "$pictures" --size 64 --set 'data.generators=[coco-diffusion]' ;;
	*)
		one synthetic "$1" "$synthetic" --size 64
		one photos "$1" "$pictures" --size 64 ;;
	esac
}

[ $# -gt 0 ] || set -- $("$truegrain" train --list | sed 's/ .*//' | grep -v '^basic$')
echo '| recipe | pictures | accuracy (95 %) | unseen generator | size alone | validation loss, first | best |'
echo '|---|---|---|---|---|---|---|'
for recipe; do both "$recipe"; done
