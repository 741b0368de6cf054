# truegrain: everything a person runs. The two that matter: `make demo` and `make test`.
GO ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: demo test race lint generate check bench bench-peers recipes-mini recipes-full recipes-evaluation bundled build cuda emu ptx ptx-check ptxas test-emu

demo: ## synthesise, train, calibrate, evaluate, explain; ends with report/index.html
	$(GO) run ./cmd/truegrain demo

test: ## the whole test suite
	$(GO) test ./...

build: ## the binary, in bin/
	$(GO) build -o bin/truegrain ./cmd/truegrain

CUDA_OUT := $(CURDIR)/bin/cuda
# Go does not look into the libraries that it links: their sources' sum in the flags makes it link anew.
CUDA_STUB = -DSTUB=$(shell cat kernels/cuda/stub/* | cksum | cut -d' ' -f1)
CUDA_ENV = CGO_ENABLED=1 CGO_CFLAGS="-I$(CURDIR)/kernels/cuda/stub $(CUDA_STUB) -Wno-deprecated-declarations" CGO_LDFLAGS="-L$(CUDA_OUT) -ldl"

cuda: ## the binary with the cuda backend, in bin/: needs a C compiler, no SDK; the driver is found when it runs
	$(MAKE) -s -C kernels/cuda/stub OUT=$(CUDA_OUT)
	$(CUDA_ENV) $(GO) build -tags cuda -o bin/truegrain ./cmd/truegrain

emu: ## the CUDA kernels for the CPU, in bin/emu: needs g++
	$(MAKE) -s -C kernels/cuda/emu OUT=$(CURDIR)/bin/emu

ptx: ## kernels/cuda/ptx from its sources: needs clang-19
	kernels/cuda/build-ptx.sh

ptx-check: ## the same into a temporary folder, and no difference to what is committed
	kernels/cuda/build-ptx.sh --check

ptxas: ## assembles the PTX: no spills, no serialised wgmma; PTXAS=/path/to/ptxas (12.4 or later)
	kernels/cuda/check-ptx.sh

test-driver: ## the calls of the CUDA driver against one that the test compiles: needs a C compiler
	$(MAKE) -s -C kernels/cuda/stub OUT=$(CUDA_OUT)
	$(CUDA_ENV) $(GO) test -count=1 -tags cuda -run 'TestDriver|PTX' ./kernels/cuda
	$(CUDA_ENV) $(GO) vet -tags cuda ./kernels/cuda ./cmd/truegrain ./bench

test-emu: emu ## the CUDA backend on the emulator: conformance, models, planted bugs
	CGO_ENABLED=1 $(GO) test -count=1 -tags emu ./kernels/cuda/...
	CGO_ENABLED=1 $(GO) test -count=1 -tags emu -run 'Golden.*/.*/emu|Device|FrozenOn|TwoTrainingRuns' ./models
	CGO_ENABLED=1 $(GO) test -count=1 -tags emu -run 'Golden.*/.*/emu|Device' ./models/explain
	CGO_ENABLED=1 $(GO) test -count=1 -tags emu -run Device ./cmd/truegrain ./train ./bench/...

.PHONY: test-driver gpu gpu-pack gpu-emu test-gpu bench-gpu

GPU_TESTS := kernels/cuda autograd train/optim train models models/explain cmd/truegrain
gpu_flags = -tags $(1) -trimpath -ldflags='-s -w'
gpu_binaries = mkdir -p $(3) && $(2) $(GO) build $(gpu_flags) -o $(3)/ ./cmd/truegrain ./bench && \
	for p in $(GPU_TESTS); do $(2) $(GO) test -c $(gpu_flags) -o $(3)/$$(echo $$p | tr / -).test ./$$p || exit 1; done

gpu: ## all that a machine with a GPU and nothing but its driver runs, in bin/gpu: program, benchmarks, tests
	$(MAKE) -s -C kernels/cuda/stub OUT=$(CUDA_OUT)
	$(call gpu_binaries,cuda,$(CUDA_ENV),bin/gpu)

# The binaries have most of their code in common: a window over all of them makes 29 MB of 190 in ten seconds.
gpu-pack: gpu ## bin/gpu.tar.xz: bin/gpu and the golden files, to be unpacked in a checkout on the machine with the GPU
	rm -rf bin/gpu/golden && cp -r $(or $(TRUEGRAIN_GOLDEN),../shared/golden) bin/gpu/golden
	tar cf - --exclude=logs --exclude=done.tsv --exclude=cache --exclude=inductor bin/gpu | xz -T1 --lzma2=preset=0,dict=256MiB >bin/gpu.tar.tmp
	mv bin/gpu.tar.tmp bin/gpu.tar.xz

gpu-emu: emu ## the same with the emulator in the place of the GPU, in bin/gpu-emu
	$(call gpu_binaries,emu,CGO_ENABLED=1,bin/gpu-emu)

# Where Go is at hand the binaries are built anew, elsewhere those of 'make gpu' are taken.
test-gpu: $(if $(shell command -v $(GO)),gpu) ## the tests on this machine's GPU, step by step; goes on where it was interrupted
	kernels/cuda/test-gpu.sh bin/gpu

PART ?= check
bench-gpu: $(if $(shell command -v $(GO)),gpu) ## PART=check, kernels, models or peers on this machine's GPU; goes on where it was interrupted
	bin/gpu/bench gpu $(PART) --device $(or $(TRUEGRAIN_DEVICE),cuda:0)

race: ## the packages that share memory between goroutines, under the race detector
	$(GO) test -race -short -skip Golden ./kernels/cpu ./autograd/... ./tensor/picture ./train/... ./models/... ./cmd/truegrain/web/...

lint: ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -l . && echo 'run gofmt on these' && exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

generate: ## assembly from its generator
	$(GO) generate ./...

bench: ## every kernel and model, checked and then timed beside the machine's ceilings
	$(GO) run ./bench kernels
	$(GO) run ./bench models
	$(GO) run ./bench models --train --model resnet50,fcn_resnet50,vit_b_16

RECIPES_OUT ?= runs/recipes
RECIPES_DATA ?= ../shared/data

recipes-mini: build ## every recipe to its end with a small model: a table in Markdown; goes on where it was interrupted
	bench/recipes/mini.sh bin/truegrain $(RECIPES_DATA)/photos $(RECIPES_DATA)/inpaint/pairs $(RECIPES_OUT) $(RECIPES)

recipes-full: build ## 20 steps of every recipe with its full model, interrupted and resumed: likewise
	bench/recipes/full.sh bin/truegrain $(RECIPES_DATA)/photos $(RECIPES_DATA)/inpaint/pairs $(RECIPES_OUT) $(RECIPES)

recipes-evaluation: recipes-mini ## small models on generators that they never saw, and under degradation
	bench/recipes/evaluate.sh bin/truegrain $(RECIPES_OUT)

PEERS_VENV ?= bench/peers/.venv

bench-peers: $(PEERS_VENV)/ready ## beside ONNX Runtime and PyTorch, in turn; goes on where it was interrupted, AGAIN=--again measures anew
	$(PEERS_VENV)/bin/python bench/peers/run.py $(AGAIN)

$(PEERS_VENV)/ready: bench/peers/requirements.txt
	python3 -m venv $(PEERS_VENV)
	$(PEERS_VENV)/bin/pip install --quiet --requirement bench/peers/requirements.txt
	touch $@

bundled: ## train the bundled detectors anew and embed them
	$(GO) run ./cmd/truegrain bundle models/bundled/weights

AXE = cmd/truegrain/web/testdata

axe: ## what the browser tests check accessibility with; without it they skip that
	mkdir -p $(AXE)
	npm install --prefix $(AXE) --no-save --no-package-lock --ignore-scripts --no-audit --no-fund --silent axe-core@4.14.1

check: lint test race ## what CI runs
