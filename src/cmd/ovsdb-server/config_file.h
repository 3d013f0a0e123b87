/* SPDX-License-Identifier: Apache-2.0 */
// The file of --config-file: which remotes and databases there are, as JSON (ovsdb-server(1) of
// Open vSwitch 3.3 and later):
//
//	{"remotes": {"punix:db.sock": {}, "pssl:6640": {"inactivity-probe": 5000, "read-only": true,
//"role": "ovn-controller"}}, 	 "databases": {"conf.db": {}, "OVN_Southbound": {"service-model":
//"relay", "source": {"tcp:10.0.0.1:6642": {}}}}}
#pragma once
#include "dbserver/follower.h"
#include "dbserver/session.h"

struct config_remote {
	char *target;
	struct session_config config;
};

struct config_database {
	char *name; // a file, or the name of the schema of a relay
	bool relay;
	bool backup; // follows `source`
	struct follower_config source;
};

struct config_file {
	VEC(struct config_remote) remotes;
	VEC(struct config_database) databases;
};

// Reads and checks all of it; an error says what is wrong where, and *config is empty then.
struct error *config_file_read(const char *path, struct config_file *) MUST_CHECK;
void config_file_done(struct config_file *);
