# truegrain: everything a person runs. The two that matter: `make demo` and `make test`.
GO ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: demo test race lint generate check bench bench-peers bundled build

demo: ## synthesise, train, calibrate, evaluate, explain; ends with report/index.html
	$(GO) run ./cmd/truegrain demo

test: ## the whole test suite
	$(GO) test ./...

build: ## the binary, in bin/
	$(GO) build -o bin/truegrain ./cmd/truegrain

race: ## the packages that share memory between goroutines, under the race detector
	$(GO) test -race -short -skip Golden ./kernels/cpu ./autograd/... ./tensor/picture ./train/... ./models/...

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

PEERS_VENV ?= bench/peers/.venv

bench-peers: $(PEERS_VENV)/ready ## beside ONNX Runtime and PyTorch, in turn; goes on where it was interrupted, AGAIN=--again measures anew
	$(PEERS_VENV)/bin/python bench/peers/run.py $(AGAIN)

$(PEERS_VENV)/ready: bench/peers/requirements.txt
	python3 -m venv $(PEERS_VENV)
	$(PEERS_VENV)/bin/pip install --quiet --requirement bench/peers/requirements.txt
	touch $@

bundled: ## train the bundled detectors anew and embed them
	$(GO) run ./cmd/truegrain bundle models/bundled/weights

check: lint test race ## what CI runs
