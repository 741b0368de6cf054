#!/bin/sh
# What the small models say of generators that they never saw, and of pictures on their way through the web:
#
#   - detectors that learned from one generator each of the synthetic set, and one that learned from all that
#     may be seen, tested on every generator and on the held-out one;
#   - the thesis' recipes beside the stronger ones, under the degradations of `eval --degrade grid,genimage`.
#
#   bench/recipes/evaluate.sh TRUEGRAIN OUT
#
# OUT is where mini.sh has left its runs. Reports go to OUT/matrix and OUT/robustness; it prints their tables.
# Given again, it goes on where it was interrupted.
set -eu
truegrain=$1 root=$2 out=$2/generators
. "$(dirname "$0")/runs.sh"
synthetic=$root/synthetic
mkdir -p "$out" "$root/named"

models=
for seen in deconv2 deconv4 nearest bilinear peaks patches denoised all; do
	generators=[$seen] epochs=30
	[ $seen != all ] || generators=[] epochs=8
	set -- -r basic -m resnet_mini --size 64 --batch 16 --epochs $epochs --lr 0.003 --set "data.generators=$generators"
	asked $seen "$@" || true
	learn $seen "$synthetic" "$@" || { echo "evaluate.sh: $seen failed: $log" >&2 && exit 1; }
	ln -f "$run/detector.safetensors" "$out/$seen.safetensors"
	models="$models -m $out/$seen.safetensors"
done
"$truegrain" eval "$synthetic" --split test $models -o "$root/matrix" >"$out/matrix.txt" 2>"$out/matrix.log"
sed -n '/^accuracy in % of each detector/,$p' "$out/matrix.txt"

models=
for recipe in cnn-all cnn-all-strong fcn-all fcn-all-strong vit-all vit-all-strong; do
	ln -f "$root/$recipe-synthetic/detector.safetensors" "$root/named/$recipe.safetensors"
	models="$models -m $root/named/$recipe.safetensors"
done
"$truegrain" eval "$synthetic" --split test $models --no-by-generator --no-pixels --limit 200 \
	--degrade grid,genimage -o "$root/robustness" >"$out/robustness.txt" 2>"$out/robustness.log"
sed -n '/under degradation/,$p' "$out/robustness.txt"
