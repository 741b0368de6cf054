#!/usr/bin/env bash
# The tests on a GPU, from binaries that 'make gpu' has built: the machine needs its driver and nothing else.
#   test-gpu.sh [DIR]              DIR has the binaries, bin/gpu unless said
#   TRUEGRAIN_DEVICE=cuda:1        another device than cuda:0
#   TRUEGRAIN_GOLDEN=DIR           where the golden files are, ../shared/golden unless said
#   COMPUTE_SANITIZER=PATH         NVIDIA's checker, if it is not on the PATH
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
dir=$(realpath "${1:-bin/gpu}")
export TRUEGRAIN_DEVICE=${TRUEGRAIN_DEVICE:-cuda:0}
kind=${TRUEGRAIN_DEVICE%%:*}
failed=()

if ! said=$("$dir/truegrain" inspect resnet_mini --device "$TRUEGRAIN_DEVICE" 2>&1); then
	printf 'test-gpu: there is no %s to test on:\n%s\n' "$TRUEGRAIN_DEVICE" "$said" >&2
	exit 1
fi
"$dir/truegrain" devices | grep "^$kind"

# why prints the reason of each skip in a log.
why() {
	awk '/^=== /{test = $3}
		/_test.go:[0-9]+: /{said = $0; sub(/.*_test.go:[0-9]+: /, "", said); reason[test] = said}
		/--- SKIP: /{print reason[$3]}' "$1"
}

# run NAME PACKAGE PATTERN ... runs tests in the folder of their package, and says what was skipped and why.
run() {
	local name=$1 package=$2 log=$dir/$1.log binary start=$SECONDS
	binary=$dir/${package//\//-}.test
	shift 2
	printf '== %s\n' "$name"
	if (cd "$package" && "${checker[@]}" "$binary" -test.v -test.timeout 20m "$@") >"$log" 2>&1; then
		printf '   passed: %s tests, %s skipped, %s s\n' "$(grep -c -e '--- PASS' "$log")" \
			"$(grep -c -e '--- SKIP' "$log")" $((SECONDS - start))
		why "$log" | sort | uniq -c | sort -rn | head -5 | sed 's/^/   skipped: /'
		if ! grep -q -e '--- PASS' "$log"; then
			printf '   no test was run: %s\n' "$log"
			failed+=("$name")
		fi
	else
		failed+=("$name")
		grep -e '--- FAIL' -e '_test.go' -e Error -e panic "$log" | tail -40
		printf '   FAILED: %s\n' "$log"
	fi
}
checker=()

run conformance kernels/cuda
run golden-ops autograd -test.run "TestGoldenOps/^$kind"
run golden-steps train/optim -test.run "TestGoldenSteps/.*/^$kind"
run golden-models models -test.run "TestGolden/.*/^$kind"
run golden-explanations models/explain -test.run "TestGolden/.*/^$kind"
run training-repeats models -test.run 'TestTwoTrainingRunsAreTheSame'
run models models -test.run 'TestDevice|TestFrozenOnGraph|TestFrozenOnAGraph'
run commands cmd/truegrain -test.run 'TestDevice'

sanitizer=${COMPUTE_SANITIZER:-$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null)}
if [ -n "$sanitizer" ] && [ "$kind" = cuda ]; then
	for tool in memcheck racecheck; do
		checker=("$sanitizer" --tool "$tool" --error-exitcode 9 --launch-timeout 60)
		run "$tool" kernels/cuda -test.run 'TestConformance|TestGemmInBFloat16|TestConvolutionsInBFloat16'
	done
else
	echo '== memcheck, racecheck'
	echo '   skipped: compute-sanitizer is not at hand (it comes with the CUDA toolkit; COMPUTE_SANITIZER names it)'
fi

if [ ${#failed[@]} -gt 0 ]; then
	printf 'test-gpu: FAILED: %s\n' "${failed[*]}" >&2
	exit 1
fi
echo 'test-gpu: all passed'
