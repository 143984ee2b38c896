# Sea trials as targets of make. Written once by `seatrial init --ci make`; it is yours to change.
# Put `include seatrial.mk` into the Makefile; then `make seatrial`.
SEATRIAL ?= seatrial
SEATRIAL_REPORTS ?= build/seatrial

.PHONY: seatrial seatrial-static seatrial-since seatrial-smoke

seatrial: ## every gate, one verdict
	@mkdir -p $(SEATRIAL_REPORTS)
	$(SEATRIAL) check --json $(SEATRIAL_REPORTS)/result.json --html $(SEATRIAL_REPORTS)/report.html

seatrial-static: ## what the source alone can answer
	$(SEATRIAL) check --static

seatrial-since: ## new is only what BASE did not have: make seatrial-since BASE=origin/main
	$(SEATRIAL) check --since $(or $(BASE),$(error name the revision: make $@ BASE=origin/main))

seatrial-smoke: ## after a deployment: make seatrial-smoke URL=https://shop.example
	$(SEATRIAL) smoke $(or $(URL),$(error name the deployment: make $@ URL=https://shop.example))
