# SPDX-License-Identifier: Apache-2.0
# A short front for meson and ninja. Every target first installs the Debian packages that it lacks (tools/install-deps).

SANITIZE ?=
BUILD    := build
ifeq ($(SANITIZE),1)
OBJ       := $(BUILD)/sanitize
MESONOPTS := -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1
else ifeq ($(SANITIZE),thread)
OBJ       := $(BUILD)/tsan
MESONOPTS := -Db_sanitize=thread -Db_lundef=false -Doptimization=1
else
OBJ       := $(BUILD)/obj
MESONOPTS :=
endif
ifeq ($(SANITIZE),)
BIN := $(BUILD)/bin
SHARE := $(BUILD)/share/openvswitch
else
BIN := $(OBJ)/root/bin
SHARE := $(OBJ)/root/share/openvswitch
endif

PREFIX  ?= /usr
DESTDIR ?=
PROGRAMS := ovsdb-server ovsdb-client ovsdb-tool ovs-vswitchd ovs-vsctl ovs-ofctl ovs-appctl ovs-dpctl
SBIN     := ovsdb-server ovs-vswitchd
# Written in other languages than C.
SCRIPTS  := ovs-ctl ovs-tcpdump

all: $(OBJ)/build.ninja
	@ninja -C $(OBJ)
	@mkdir -p $(BIN) $(SHARE)
	@for p in $(PROGRAMS); do ln -f $(OBJ)/src/cmd/$$p/$$p $(BIN)/$$p || exit 1; done
	@for p in $(SCRIPTS); do cp -u src/cmd/$$p/$$p $(BIN)/ || exit 1; done
	@cp -u src/dbclient/vswitch.ovsschema $(SHARE)/

$(OBJ)/build.ninja:
	@tools/install-deps build
	@meson setup $(OBJ) $(MESONOPTS)

run: all
	@tools/install-deps run
	@tools/run

demo-vm: all
	@tools/install-deps demo-vm
	@tools/demo-vm

check: all
	@tools/install-deps check
	@SLUICE_BIN=$(CURDIR)/$(BIN) SLUICE_OBJ=$(CURDIR)/$(OBJ) SANITIZE=$(SANITIZE) tools/check

# FUZZ_SECONDS: how long each target runs.
fuzz:
	@tools/install-deps fuzz
	@tools/fuzz $(BUILD)/fuzz

bench: all
	@tools/install-deps bench
	@SLUICE_BIN=$(CURDIR)/$(BIN) SLUICE_OBJ=$(CURDIR)/$(OBJ) bench/run

lint:
	@tools/install-deps build
	@tools/lint

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/share/openvswitch/scripts
	for p in $(PROGRAMS); do \
	    case " $(SBIN) " in *" $$p "*) d=sbin;; *) d=bin;; esac; \
	    install $(BIN)/$$p $(DESTDIR)$(PREFIX)/$$d/ || exit 1; \
	done
	install src/cmd/ovs-ctl/ovs-ctl $(DESTDIR)$(PREFIX)/share/openvswitch/scripts/
	install src/cmd/ovs-tcpdump/ovs-tcpdump $(DESTDIR)$(PREFIX)/bin/
	install -m 644 src/dbclient/vswitch.ovsschema $(DESTDIR)$(PREFIX)/share/openvswitch/

clean:
	rm -rf $(BUILD)

.PHONY: all run demo-vm check fuzz bench lint install clean
