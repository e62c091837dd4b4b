# Two commands are enough to begin with: make demo, make test.

GO      ?= go
N       ?= 200
REQUESTS ?= 10000
KILLS   ?= 20
CUTS    ?= 20
SLOTS   ?= yes
SEED    ?= 0
FUZZ    ?= 100000x
LDFLAGS  = -s -w
# Half a megabyte less: no PMS and no controller needs HTTP/2.
TAGS     = nethttpomithttp2
# 1 MB less: what is ours, the libraries, and the parts of Go in which nothing is
# hot (HTTP, TLS, certificates, text, files) call small functions instead of
# holding copies of them. They wait for lines, disks and networks. The rest of Go
# keeps its copies: there the hot loops are, of ciphers, JSON, garbage.
COLD     = net/... vendor/... crypto/tls crypto/x509/... crypto/rsa crypto/hpke crypto/internal/fips140/nistec/fiat \
           crypto/ecdsa crypto/elliptic crypto/ecdh crypto/ed25519 crypto/internal/fips140/ecdsa crypto/internal/fips140/rsa \
           crypto/internal/fips140/ecdh crypto/internal/fips140/ed25519 crypto/internal/fips140/edwards25519 crypto/internal/fips140/nistec \
           crypto/internal/fips140/tls12 crypto/internal/fips140/tls13 \
           math/big text/... regexp/... mime/... log/... os/... compress/... encoding/... fmt time bufio html path/... io/... context
INLINE   = -gcflags 'all=-l' -gcflags 'std=' $(foreach package,$(COLD),-gcflags '$(package)=-l')
# Go pads the parts of a program for pages of 64 kB. A 32-bit ARM program meets
# pages of 4 kB, or of 16 on some 64-bit kernels: 80 kB less.
ARMV6    = -R 16384

# The tools of make lint. govulncheck 1.8.0 needs a database of vulnerabilities:
# GOVULNDB names another one than the public, such as file:///srv/vulndb.
GOLANGCI_LINT = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   = golang.org/x/vuln/cmd/govulncheck@v1.8.0
# The WiFi controller of the demo's hotel; `bin/hwsim demo --help` lists them.
WIFI         ?= unifi
TOOLS         = $(CURDIR)/bin/tools
# The tool that writes packages.
NFPM          = github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.4
# What the scripts of build/arm64 build with.
BUILD         = NFPM='$(TOOLS)/nfpm' GO='$(GO)' TAGS='$(TAGS)' LDFLAGS='$(LDFLAGS)' ARMV6='$(ARMV6)' INLINE="$(INLINE)"

.PHONY: help build demo demo-once test test-real screens crash soak-keycard bench wear lint arm64 nfpm deb deb-check test-package image image-check test-image release release-check fuzz clean

help: ## what can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

build: ## bin/edgeagent and bin/hwsim for this machine
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build -trimpath -tags '$(TAGS)' $(INLINE) -ldflags '$(LDFLAGS)' -o bin/ ./cmd/edgeagent ./cmd/hwsim

demo: build ## a day of a simulated hotel, served by the real agent
	@bin/hwsim demo --wifi $(WIFI)

demo-once: build ## the same unattended; fails if an effect is missing
	@bin/hwsim demo --once --wifi $(WIFI)

test: ## all tests, with the race detector
	$(GO) vet ./...
	$(GO) test -race -timeout 8m ./...

test-real: build arm64 ## a real Mosquitto (killed KILLS times, default 20), FreeRADIUS, the pages in a real Chromium, the gateways' binaries under QEMU, the tools of libnfc, and make test-package
	realtest/install
	$(MAKE) --no-print-directory test-package
	KILLS=$(KILLS) $(GO) test -race -count=1 -timeout 30m -tags real ./realtest/... ./hwsim/radiussim ./hwsim/tvpage
	$(GO) test -race -count=1 -timeout 15m -tags real -run 'Radius|Real|Database' ./drivers/wifi/...
	@for picture in docs/images/*.png; do \
		[ -e build/out/screens/$${picture##*/} ] || { echo "$$picture is not taken by a test" >&2; exit 1; }; \
	done

screens: build ## the pictures of docs/images, taken anew by the tests that look at the pages
	realtest/install
	$(GO) test -count=1 -timeout 30m -tags real -run 'Pages|ReferenceTV' ./realtest
	@for picture in docs/images/*.png; do cp -v build/out/screens/$${picture##*/} docs/images/ || exit 1; done

lint: ## golangci-lint and govulncheck, at fixed versions
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) $(GO) install $(GOLANGCI_LINT)
	GOBIN=$(TOOLS) $(GO) install $(GOVULNCHECK)
	$(TOOLS)/golangci-lint run --build-tags real ./...
	@status=0; $(TOOLS)/govulncheck ./... || status=$$?; case $$status in \
	0) ;; \
	3) exit 3 ;; \
	*) echo 'NOT CHECKED for known vulnerabilities: govulncheck did not get through (its words are above).' >&2; \
	   echo 'It needs the vulnerability database; without a network, set GOVULNDB to a copy of it.' >&2; exit $$status ;; \
	esac

crash: build ## kill the agent N times (default 200) and judge the house
	@bin/hwsim crash --kills $(N)

soak-keycard: ## REQUESTS keys (default 10000) of each family over bad lines
	SOAK_KEYCARD=$(REQUESTS) $(GO) test -run '^TestSoak$$' -count 1 -v -timeout 60m ./drivers/keycard ./drivers/keycard/pn532

bench: build arm64 ## speed, latency, memory, wear and sizes beside what the machine can do
	$(GO) test -run '^$$' -bench Figures -benchtime 1x -timeout 20m ./bench
	$(GO) test -run '^$$' -bench Request -benchtime 12x ./drivers/keycard
	$(GO) test -run '^$$' -bench Encode -benchtime 15x ./drivers/keycard/pn532
	$(GO) test -run BurstOfCheckIns -v ./drivers/wifi | grep stays

wear: ## what a day of a hotel of 100 rooms writes, and how long a card lasts (as root: with the file system)
	@GO='$(GO)' bench/wear

arm64: ## static binaries for arm64 and armv6 in build/out
	@mkdir -p build/out
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build -trimpath -tags '$(TAGS)' $(INLINE) -ldflags '$(LDFLAGS)' -o build/out/edgeagent-arm64 ./cmd/edgeagent
	CGO_ENABLED=0 GOOS=linux GOARCH=arm GOARM=6 $(GO) build -trimpath -tags '$(TAGS)' $(INLINE) -ldflags '$(LDFLAGS) $(ARMV6)' -o build/out/edgeagent-armv6 ./cmd/edgeagent
	@ls -l build/out

deb: nfpm ## .deb packages for arm64, armhf (ARMv6 on) and amd64 in build/out
	$(BUILD) build/arm64/build-deb amd64 arm64 armhf

nfpm:
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) $(GO) install $(NFPM)

deb-check: deb ## the packages are the same twice, and lintian has nothing to say
	$(BUILD) build/arm64/check-deb

test-package: build nfpm ## install, demo in the sandbox, upgrade, step back, purge: in a Debian under a real systemd (as root)
	$(BUILD) build/arm64/test-package

image: nfpm ## SD-card image for a Raspberry Pi, the same for QEMU (BOARDS=qemu: only that), and the version alone, in build/out (minutes)
	$(BUILD) build/arm64/image/build $(BOARDS)

image-check: nfpm ## the images are the same twice, each made from nothing (many minutes)
	$(BUILD) build/arm64/image/check $(BOARDS)

test-image: build ## boot the image in QEMU: faults, CUTS power cuts (default 20) of a busy hotel, versions that hold and that do not
	@mkdir -p $(TOOLS)
	GOBIN=$(TOOLS) $(GO) install go.etcd.io/bbolt/cmd/bbolt
	CUTS=$(CUTS) SLOTS=$(SLOTS) SEED=$(SEED) build/arm64/image/test

release: nfpm ## packages, images if made, bill of materials, changes and sums of the commit in build/out/release
	$(BUILD) build/arm64/release

release-check: nfpm ## the release is the same twice, byte for byte
	$(BUILD) build/arm64/check-release

# Inputs are counted, not seconds: at the end of a time Go 1.26 may take its own
# deadline for a failure of the target (golang.org/issue/75804).
fuzz: ## every fuzz target with FUZZ inputs each (default 100000x)
	@$(GO) test -list '^Fuzz' -json ./... | \
	sed -n 's/.*"Package":"\([^"]*\)".*"Output":"\(Fuzz[A-Za-z0-9_]*\).*/\1 \2/p' | \
	while read -r package target; do \
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZ) "$$package" || exit 1; \
	done

clean:
	rm -rf bin build/out
