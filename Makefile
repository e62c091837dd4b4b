# Two commands are enough to begin with: make demo, make test.

GO      ?= go
N       ?= 200
FUZZ    ?= 10s
LDFLAGS  = -s -w
VERSIONS = golangci-lint@v2.5.0

.PHONY: help build demo demo-once test test-real crash bench lint arm64 fuzz clean

help: ## what can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

build: ## bin/edgeagent and bin/hwsim for this machine
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/edgeagent ./cmd/hwsim

demo: build ## a day of a simulated hotel, served by the real agent
	@bin/hwsim demo

demo-once: build ## the same unattended; fails if an effect is missing
	@bin/hwsim demo --once

test: ## all tests, with the race detector
	$(GO) vet ./...
	$(GO) test -race -timeout 8m ./...

crash: build ## kill the agent N times (default 200) and judge the house
	@bin/hwsim crash --kills $(N)

arm64: ## static binaries for arm64 and armv6 in build/out
	@mkdir -p build/out
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o build/out/edgeagent-arm64 ./cmd/edgeagent
	CGO_ENABLED=0 GOOS=linux GOARCH=arm GOARM=6 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o build/out/edgeagent-armv6 ./cmd/edgeagent
	@ls -l build/out

clean:
	rm -rf bin build/out
