#!/usr/bin/env bash
# The tests on a GPU, from binaries that 'make gpu' has built: the machine needs its driver and nothing else.
#   test-gpu.sh [DIR]              DIR has the binaries, bin/gpu unless said
#   TRUEGRAIN_DEVICE=cuda:1        another device than cuda:0; cuda:0,portable is one without the kernels for sm_90a
#   TRUEGRAIN_GOLDEN=DIR           where the golden files are, DIR/golden or ../shared/golden unless said
#   COMPUTE_SANITIZER=PATH         NVIDIA's checker, if it is not on the PATH
#   LIMIT=530                      seconds after which no step is begun
#   MOST=60                        seconds that a step of kernels takes at most, where it is allowed more, and three
#                                  times that for one of whole models
#   ONLY=REGEX                     the steps whose name it matches
#   AGAIN=1                        also the steps that these binaries have done
#   JOBS=1                         how many steps run at the same time
# Each step is a process of its own: an illegal address ends one step, not those behind it. What is done stands
# in DIR/done.tsv at once, with the step's log in DIR/logs, and is not done again; another binary does all anew.
# It ends with 0 if all passed, 1 if a step failed, 2 if nothing can run here, 3 if the time was over first.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
dir=$(realpath "${1:-bin/gpu}")
export TRUEGRAIN_DEVICE=${TRUEGRAIN_DEVICE:-cuda:0}
kind=${TRUEGRAIN_DEVICE%%:*}
if [ -z "${TRUEGRAIN_GOLDEN:-}" ] && [ -d "$dir/golden" ]; then
	export TRUEGRAIN_GOLDEN=$dir/golden
fi
export CUDA_CACHE_PATH=${CUDA_CACHE_PATH:-$dir/cache} # what the driver compiles for one process serves all others
limit=${LIMIT:-530}
table=$dir/done.tsv # name, binary, state, seconds
mkdir -p "$dir/logs" "$CUDA_CACHE_PATH"
touch "$table"
# Steps of another way to open the device are others.
way=
[[ $TRUEGRAIN_DEVICE != cuda:*,* ]] || way=${TRUEGRAIN_DEVICE#*,}:
steps=0 left=()

if ! said=$("$dir/truegrain" inspect resnet_mini --device "$TRUEGRAIN_DEVICE" 2>&1); then
	printf 'test-gpu: there is no %s to test on:\n%s\n' "$TRUEGRAIN_DEVICE" "$said" >&2
	exit 2
fi
"$dir/truegrain" devices | grep "^$kind"

declare -A sum
# of BINARY is what tells this build of it from another.
of() {
	[ -n "${sum[$1]:-}" ] || sum[$1]=$(sha256sum "$dir/$1" | cut -c1-16)
	printf '%s' "${sum[$1]}"
}

# why prints the reason of each skip in a log.
why() {
	awk '/^=== /{test = $3}
		/_test.go:[0-9]+: /{said = $0; sub(/.*_test.go:[0-9]+: /, "", said); reason[test] = said}
		/--- SKIP: /{print reason[$3]}' "$1" | sort | uniq -c | sort -rn | head -3 | sed 's/^/       skipped: /'
}

# allowed PACKAGE SECONDS is how long a step may take.
allowed() {
	local most=${MOST:-$2}
	[ "$1" = kernels/cuda ] || most=$((3 * most))
	echo $((most < $2 ? most : $2))
}

# is_done NAME BINARY SECONDS says that a step has run, and not too long for less time than it has now.
is_done() {
	awk -F'\t' -v name="$1" -v binary="$2" -v most="$3" '
		$1 == name && $2 == binary {state = $3; took = $4}
		END {exit !(state != "" && (state != "too long" || took >= most))}' "$table"
}

# run NAME PACKAGE SECONDS PATTERN [BUT] runs tests in the folder of their package, unless that is done.
run() {
	local name=$way$1 binary=${2//\//-}.test
	[[ $1 =~ ${ONLY:-} ]] || return 0
	steps=$((steps + 1))
	of "$binary" >/dev/null
	if [ -z "${AGAIN:-}" ] && is_done "$name" "${sum[$binary]}" "$(allowed "$2" "$3")"; then
		return 0
	fi
	if [ "$SECONDS" -ge "$limit" ]; then
		left+=("$name")
		return 0
	fi
	step "$@" &
	while [ "$(jobs -rp | wc -l)" -ge "${JOBS:-1}" ]; do wait -n; done
}

step() {
	local name=$way$1 package=$2 most=$3 pattern=$4 but=${5:-} start=$SECONDS state=passed log binary
	binary=${package//\//-}.test
	log=$dir/logs/${name//[\/:]/-}.log
	most=$(allowed "$package" "$most")
	# A kernel that never ends may keep its process from ending, too: then it is killed.
	(cd "$package" && timeout --foreground -k 10 "$most" "${checker[@]}" "$dir/$binary" -test.v -test.timeout 20m \
		-test.run "$pattern" ${but:+-test.skip "$but"}) >"$log" 2>&1
	case $? in
	0)
		if ! grep -q -e '--- PASS' "$log"; then
			state=empty
			! grep -q -e '--- SKIP' "$log" || state=skipped
		fi
		;;
	124 | 137) state='too long' ;;
	*) state=FAILED ;;
	esac
	printf '%s\t%s\t%s\t%s\n' "$name" "${sum[$binary]}" "$state" $((SECONDS - start)) >>"$table"
	printf '%s\n' "$(report)" # at once: other steps end at the same time
}

# report is what a step has to say, of step's variables.
report() {
	printf '%-8s %s: %s tests, %s skipped, %s s\n' "$state" "$name" "$(grep -c -e '--- PASS' "$log")" \
		"$(grep -c -e '--- SKIP' "$log")" $((SECONDS - start))
	if [ "$state" = passed ] || [ "$state" = skipped ]; then
		why "$log"
		return
	fi
	[ "$state" != 'too long' ] || grep '^=== RUN' "$log" | tail -1 | sed 's/^/       /'
	grep -e '--- FAIL' -e '_test.go' -e Error -e panic -e CUDA_ERROR "$log" | head -12 | sed 's/^/       /'
	printf '       %s\n' "$log"
}
checker=()

# stems are the names of all ops, each with its tests in every type.
stems() { grep -ho 'Stem() string { return "[a-z0-9]*"' kernels/*.go | cut -d'"' -f2 | sort -u; }

for module in $(du -b kernels/cuda/ptx/*.ptx | sort -rn | cut -f2); do # the largest first
	module=$(basename "$module" .ptx)
	run "modules/$module" kernels/cuda 300 "^TestModulesLoad$/^$module\$"
done
run memory kernels/cuda 60 '^TestConformance$/.*/^memory$'
tests=$("$dir/kernels-cuda.test" -test.list . | grep ^Test | grep -v -e '^TestConformance$' -e '^TestModulesLoad$')
# What has a generation of kernels for sm_90a is tested without them, too, in a step of its own: one that hangs
# leaves the other.
for test in $(grep -v '^TestConformanceInB' <<<"$tests" | grep -e InBFloat16$ -e InMixedPrecision$); do
	run "portable/$test" kernels/cuda 180 "^$test\$/portable"
done
for stem in $(stems); do
	run "conformance/$stem" kernels/cuda 120 "^TestConformance/.*/^$stem(_|\$)"
done
run conformance/optimisers kernels/cuda 60 '^TestConformance$/.*/^optimisers$'
for test in $tests; do
	run "kernels/$test" kernels/cuda 180 "^$test\$" "^$test\$/portable"
done
run golden-ops autograd 120 "TestGoldenOps/^$kind"
run golden-steps train/optim 120 "TestGoldenSteps/.*/^$kind"
for test in $("$dir/models.test" -test.list '^TestGolden' | grep ^Test); do
	run "golden/$test" models 400 "^$test\$/.*/^$kind"
done
run golden-explanations models/explain 300 "TestGolden/.*/^$kind"
run explanations models/explain 300 'TestDevice'
run training-repeats models 400 'TestTwoTrainingRunsAreTheSame'
run models models 400 'TestDevice|TestFrozenOnGraph|TestFrozenOnAGraph'
run training train 300 'TestDevice'
run commands cmd/truegrain 400 'TestDevice'

wait
# An access that is out of bounds or races may leave the result right: NVIDIA's checker sees it.
sanitizer=${COMPUTE_SANITIZER:-$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null)}
if [ "$kind" != cuda ]; then
	sanitizer=
elif [ -z "$sanitizer" ]; then
	echo 'memcheck, racecheck: skipped, compute-sanitizer is not at hand (it comes with the CUDA toolkit, and in the'
	echo "    package nvidia-cuda-sanitizer-api-cu12 of PyPI as bin/compute-sanitizer; COMPUTE_SANITIZER names it)"
elif ! said=$("$sanitizer" --tool memcheck "$dir/truegrain" inspect resnet_mini --device "$TRUEGRAIN_DEVICE" 2>&1); then
	printf 'memcheck, racecheck: skipped, %s does not run here:\n%s\n' "$sanitizer" "$(tail -3 <<<"$said")"
	sanitizer=
fi
for tool in ${sanitizer:+memcheck racecheck}; do
	checker=("$sanitizer" --tool "$tool" --error-exitcode 9 --launch-timeout 60)
	for stem in $(stems); do
		run "$tool/$stem" kernels/cuda 200 "^TestConformance/.*/^$stem(_|\$)"
	done
	for test in TestGemmInBFloat16 TestConvolutionsInBFloat16 TestAttentionInBFloat16; do
		run "$tool/$test" kernels/cuda 300 "^$test\$"
	done
done

wait
# The last word on each step counts.
bad=$(awk -F'\t' -v only="${ONLY:-.}" '{n = $1; sub(/^[a-z]+:/, "", n)} n ~ only {state[$1] = $3}
	END {for (n in state) if (state[n] !~ /^(passed|skipped)$/) print n " (" state[n] ")"}' "$table" | sort)
printf 'test-gpu: %s steps, %s in %s\n' "$steps" "$(awk -F'\t' '{s[$1]} END {print length(s)}' "$table") done" "$table"
[ -z "$bad" ] || printf 'test-gpu: did not pass:\n%s\n' "$bad" >&2
if [ ${#left[@]} -gt 0 ]; then
	printf 'test-gpu: %s steps are left, %s next: run the same again\n' "${#left[@]}" "${left[0]}" >&2
	exit 3
fi
[ -z "$bad" ] || exit 1
echo 'test-gpu: all passed'
