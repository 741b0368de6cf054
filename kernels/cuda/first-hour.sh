#!/usr/bin/env bash
# The first hour on a GPU by one command: what tells most comes first, and all that is known is kept at once.
#   first-hour.sh OUT              OUT gets first-hour.tar.gz, made anew after each part: tables, logs, results
#   LIMIT=560                      seconds after which no part goes on
#   PARTS='modules models ...'     these parts, in this order
#   TRUEGRAIN_DEVICE=cuda:1        another device than cuda:0
#   DIR=bin/gpu-emu                other binaries, as those of 'make gpu-emu'
# It wants what 'make gpu-pack' has packed, in a checkout, and the driver; PyTorch for peers. Called again it goes
# on where it was, also after it was killed; on another machine once OUT's archive has been unpacked in the
# checkout. A part that fails does not end the others.
# It ends with 0 if all parts are done and right, 1 if one is not right, 2 if nothing can run here, 3 if the time
# was over first.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
out=$(realpath -m "${1:?first-hour.sh OUT: the folder for what is to be kept}")
dir=${DIR:-bin/gpu}
export TRUEGRAIN_DEVICE=${TRUEGRAIN_DEVICE:-cuda:0}
# What the driver compiles for one process serves all others.
export CUDA_CACHE_PATH=$PWD/$dir/cache CUDA_CACHE_MAXSIZE=2147483648
limit=${LIMIT:-560} jobs=${JOBS:-6} bad=() left=()
# A GPU needs seconds for a step, so that one which takes more hangs.
most=1000
[ "${TRUEGRAIN_DEVICE%%:*}" != cuda ] || most=${MOST:-60}
if [ ! -x $dir/truegrain ]; then # unpacked beside it, so that half an archive is none
	unpack=(tar xf $dir.tar.xz -C $dir.tmp)
	command -v xz >/dev/null || unpack=(python3 -m tarfile -e $dir.tar.xz $dir.tmp)
	mkdir -p $dir.tmp && "${unpack[@]}" && mkdir -p $dir && cp -rf $dir.tmp/$dir/. $dir/ || {
		echo "first-hour: there is no whole $dir.tar.xz: 'make gpu-pack' makes it" >&2
		exit 2
	}
	rm -rf $dir.tmp
fi
mkdir -p "$out" "$dir/logs" "$CUDA_CACHE_PATH"

keep() {
	local what=("$dir/logs" bench/results)
	[ ! -e $dir/done.tsv ] || what+=("$dir/done.tsv")
	tar czf "$out/first-hour.tmp" "${what[@]}" && mv "$out/first-hour.tmp" "$out/first-hour.tar.gz"
}
trap keep EXIT

if ! said=$($dir/truegrain inspect resnet_mini --device "$TRUEGRAIN_DEVICE" 2>&1); then
	printf 'first-hour: there is no %s:\n%s\n' "$TRUEGRAIN_DEVICE" "$said" >&2
	exit 2
fi
{
	$dir/truegrain devices
	nvidia-smi
	uname -a && nproc && free -g && cat /proc/driver/nvidia/version
	ldconfig -p | grep -e libcuda.so -e ptxjitcompiler -e nvidia-ml && env | grep -e CUDA -e NVIDIA -e LD_LIBRARY
	python3 -c 'import sys, torch; print(sys.version, torch.__version__, torch.version.cuda)'
} >$dir/logs/machine.log 2>&1

# Modules are compiled side by side, and on a machine that has not compiled them once more.
modules() {
	local again=1
	[ -z "$(ls -A "$CUDA_CACHE_PATH")" ] || again=
	JOBS=$(nproc) ONLY='^modules/' AGAIN=$again kernels/cuda/test-gpu.sh $dir
}
tests() { JOBS=$jobs ONLY=$1 LIMIT=$2 MOST=$most kernels/cuda/test-gpu.sh $dir; }
# A step that hangs or loses the device ends the process, and another one goes on behind it.
bench() {
	local end=$((SECONDS + $2)) state=1
	while [ $((end - SECONDS)) -gt 0 ]; do
		$dir/bench gpu "$1" --device "$TRUEGRAIN_DEVICE" --limit "$((end - SECONDS))s" --most "$3s" 2>&1 |
			tee $dir/logs/bench.log
		state=${PIPESTATUS[0]}
		[ "$state" != 0 ] && tail -1 $dir/logs/bench.log | grep -q ': run the same again$' || break
	done
	return "$state"
}
# PyTorch compiles its models while tests run, so that peers finds them compiled.
if [ "${TRUEGRAIN_DEVICE%%:*}" = cuda ] && [ -z "${NO_PEERS:-}" ]; then
	export TORCHINDUCTOR_CACHE_DIR=$PWD/$dir/inductor
	timeout "$limit" python3 bench/gpu/peers.py --warm >$dir/logs/peers-warm.log 2>&1 &
	warm=$!
fi
# failed SET says that products of that set of steps, in bfloat16, have run last and not passed.
failed() {
	[[ $TRUEGRAIN_DEVICE =~ ^cuda(:[0-9]+)?$ ]] && [ -e $dir/done.tsv ] &&
		awk -F'\t' -v set="^$1/Test.*InBFloat16$" '$1 ~ set {state[$1] = $3}
			END {for (n in state) if (state[n] != "passed") bad = 1; exit !bad}' $dir/done.tsv
}
# What tensor cores compute decides whether anything else is worth its time.
cores='^(memory|portable/.*|kernels/Test(Gemm|Convolutions|Attention|Graph).*)$'
parts=${PARTS:-modules cores tests peers kernels models check}
for part in $parts; do
	case $part in
	peers | kernels | models | check) # two that time at once would slow each other
		while [ -n "${warm:-}" ] && kill -0 "$warm" 2>/dev/null && [ $SECONDS -lt $((limit * 3 / 5)) ]; do sleep 1; done
		[ -z "${warm:-}" ] || kill "$warm" 2>/dev/null
		warm=
		;;
	esac
	time=$((limit - SECONDS))
	if [ $time -lt 30 ]; then
		left+=("$part")
		continue
	fi
	begun=$SECONDS
	if [ "$part" != modules ] && [ "$part" != cores ] && failed kernels && ! failed portable; then
		export TRUEGRAIN_DEVICE=$TRUEGRAIN_DEVICE,portable
		echo "first-hour: the kernels for sm_90a are not right: from here on $TRUEGRAIN_DEVICE" | tee -a $dir/logs/hour.log
	fi
	case $part in
	modules) command=(modules) ;;
	cores) command=(tests "$cores" $((time - 15))) ;;
	tests) command=(tests '' $((time / 2))) ;;
	peers | check) command=(bench "$part" $((time - 20)) $((time - 20))) ;; # compilers, and the oracle, take their time
	kernels) command=(bench "$part" $((time - 20)) "$most") ;;
	models) command=(bench "$part" $((time - 20)) $((2 * most))) ;;
	*)
		echo "first-hour: no part $part" >&2
		exit 2
		;;
	esac
	export -f modules tests bench
	export dir jobs most
	timeout -k 15 $time bash -c '"$@"' _ "${command[@]}" 2>&1 | tee $dir/logs/part-$part.log
	state=${PIPESTATUS[0]}
	if [[ $state =~ ^(3|124|137)$ ]] || tail -1 $dir/logs/part-$part.log | grep -q 'it goes on$\|run the same again$'; then
		left+=("$part")
	elif [ "$state" != 0 ] || grep -q ': run the same again$' $dir/logs/part-$part.log; then
		bad+=("$part")
	fi
	printf 'first-hour: %s: %s s, ends with %s\n' "$part" $((SECONDS - begun)) "$state" | tee -a $dir/logs/hour.log
	keep
done
[ ${#bad[@]} = 0 ] || echo "first-hour: not right: ${bad[*]}: $dir/logs" >&2
if [ ${#left[@]} -gt 0 ]; then
	echo "first-hour: left: ${left[*]}: run the same again" >&2
	exit 3
fi
[ ${#bad[@]} = 0 ] || exit 1
echo 'first-hour: all done'
