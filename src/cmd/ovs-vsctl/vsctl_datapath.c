/* SPDX-License-Identifier: Apache-2.0 */
// Connection tracking zones (timeout policies, limits) and capabilities of datapaths.
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cmd/ovs-vsctl/vsctl.h"

static struct error *prepare_zones(struct ctl_context *c)
{
	ctl_monitor(c->ctl, &db_open_vswitch_class, DB_OPEN_VSWITCH_DATAPATHS);
	ctl_monitor(c->ctl, &db_datapath_class, DB_DATAPATH_CT_ZONES);
	ctl_monitor(c->ctl, &db_datapath_class, DB_DATAPATH_CT_ZONE_DEFAULT_LIMIT);
	ctl_monitor(c->ctl, &db_ct_zone_class, DB_CT_ZONE_TIMEOUT_POLICY);
	ctl_monitor(c->ctl, &db_ct_zone_class, DB_CT_ZONE_LIMIT);
	ctl_monitor(c->ctl, &db_ct_timeout_policy_class, DB_CT_TIMEOUT_POLICY_TIMEOUTS);
	return NULL;
}

static struct db_row *find_datapath(struct ctl_context *c, const char *name)
{
	const struct datum *datapaths = dbtxn_read(vsctl_of(c)->open, DB_OPEN_VSWITCH_DATAPATHS);

	for (size_t i = 0; i < datapaths->n; i++)
		if (!strcmp(atom_string(datum_key(datapaths, i)), name))
			return dbtxn_find(c->ctl->db, &db_datapath_class,
					  &datum_value(datapaths, i)->uuid);
	return NULL;
}

static struct error *get_datapath(struct ctl_context *c, struct db_row **datapath)
{
	*datapath = find_datapath(c, c->argv[1]);
	return *datapath ? NULL : error_new("datapath %s does not exist", c->argv[1]);
}

// zone=N
static struct error *parse_zone(const char *text, int64_t *zone)
{
	if (strncmp(text, "zone=", 5) || parse_i64(text + 5, 10, zone) || *zone < 0 ||
	    *zone > UINT16_MAX)
		return error_new(
			"\"%s\" is not a zone: use zone=NUMBER with a number from 0 to 65535",
			text);
	return NULL;
}

static struct db_row *find_zone(struct ctl_context *c, struct db_row *datapath, int64_t zone)
{
	const struct datum *zones = dbtxn_read(datapath, DB_DATAPATH_CT_ZONES);
	size_t at = datum_find(zones, &(union atom){.integer = zone});

	return at == SIZE_MAX
		       ? NULL
		       : dbtxn_find(c->ctl->db, &db_ct_zone_class, &datum_value(zones, at)->uuid);
}

static struct db_row *insert_zone(struct ctl_context *c, struct db_row *datapath, int64_t zone)
{
	struct db_row *row = dbtxn_insert(c->ctl->txn, &db_ct_zone_class);
	struct datum d;

	datum_init_empty(&d, ATOM_INTEGER, ATOM_UUID);
	datum_push(&d, &(union atom){.integer = zone}, &(union atom){.uuid = row->uuid});
	dbtxn_add(c->ctl->txn, datapath, DB_DATAPATH_CT_ZONES, &d);
	datum_done(&d);
	return row;
}

static bool is_set(const struct db_row *zone, unsigned int column)
{
	return dbtxn_read(zone, column)->n;
}

// Empties one property of a zone, which goes when it has no other.
static void clear_zone(struct ctl_context *c, struct db_row *datapath, int64_t number,
		       struct db_row *zone, unsigned int column)
{
	unsigned int other =
		column == DB_CT_ZONE_LIMIT ? DB_CT_ZONE_TIMEOUT_POLICY : DB_CT_ZONE_LIMIT;

	if (is_set(zone, other))
		dbtxn_write(
			c->ctl->txn, zone, column,
			&(struct datum){.key_type = dbclient_row_class(zone)->columns[column].key,
					.value_type = ATOM_VOID});
	else
		dbtxn_remove_int(c->ctl->txn, datapath, DB_DATAPATH_CT_ZONES, number);
	c->ctl->database_changed = true;
}

// --- Timeout policies

// The database knows which names it takes.
static struct error *parse_policies(char *argv[], int argc, struct datum *timeouts)
{
	datum_init_empty(timeouts, ATOM_STRING, ATOM_INTEGER);
	for (int i = 0; i < argc; i++) {
		const char *equals = strchr(argv[i], '=');
		union atom key, value = {0};

		if (!equals || parse_i64(equals + 1, 10, &value.integer)) {
			datum_done(timeouts);
			return error_new("\"%s\" is not a timeout: use NAME=SECONDS", argv[i]);
		}
		atom_init_stringn(&key, argv[i], (size_t)(equals - argv[i]));
		datum_put(timeouts, &key, &value);
		atom_done(&key, ATOM_STRING);
	}
	return NULL;
}

static struct error *run_add_zone_tp(struct ctl_context *c)
{
	struct db_row *datapath, *zone, *policy = NULL;
	struct error *error = get_datapath(c, &datapath);
	struct datum timeouts;
	int64_t number;

	if (!error)
		error = parse_zone(c->argv[2], &number);
	if (error)
		return error;
	zone = find_zone(c, datapath, number);
	if (zone && is_set(zone, DB_CT_ZONE_TIMEOUT_POLICY)) {
		const struct datum *ref = dbtxn_read(zone, DB_CT_ZONE_TIMEOUT_POLICY);

		if (!ctl_option(c, "--may-exist"))
			return error_new("zone id %" PRId64 " already exists", number);
		policy = dbtxn_find(c->ctl->db, &db_ct_timeout_policy_class,
				    &datum_key(ref, 0)->uuid);
	}
	error = parse_policies(c->argv + 3, c->argc - 3, &timeouts);
	if (error)
		return error;
	if (!zone)
		zone = insert_zone(c, datapath, number);
	if (!policy) {
		policy = dbtxn_insert(c->ctl->txn, &db_ct_timeout_policy_class);
		dbtxn_set_ref(c->ctl->txn, zone, DB_CT_ZONE_TIMEOUT_POLICY, policy);
	}
	// With --may-exist the timeouts of a zone that exists become these.
	dbtxn_write(c->ctl->txn, policy, DB_CT_TIMEOUT_POLICY_TIMEOUTS, &timeouts);
	return NULL;
}

static struct error *run_del_zone_tp(struct ctl_context *c)
{
	struct db_row *datapath, *zone;
	struct error *error = get_datapath(c, &datapath);
	int64_t number;

	if (!error)
		error = parse_zone(c->argv[2], &number);
	if (error)
		return error;
	zone = find_zone(c, datapath, number);
	if (zone && is_set(zone, DB_CT_ZONE_TIMEOUT_POLICY))
		clear_zone(c, datapath, number, zone, DB_CT_ZONE_TIMEOUT_POLICY);
	else if (!ctl_option(c, "--if-exists"))
		return error_new("zone id %" PRId64 " does not exist", number);
	return NULL;
}

static void print_policy(struct ctl_context *c, int64_t number, const struct db_row *policy)
{
	const struct datum *timeouts = dbtxn_read(policy, DB_CT_TIMEOUT_POLICY_TIMEOUTS);

	str_addf(&c->output, "Zone:%" PRId64 ", Timeout Policies:", number);
	for (size_t i = 0; i < timeouts->n; i++)
		str_addf(&c->output, " %s=%" PRId64, atom_string(datum_key(timeouts, i)),
			 datum_value(timeouts, i)->integer);
	str_addc(&c->output, '\n');
}

static struct error *run_list_zone_tp(struct ctl_context *c)
{
	struct db_row *datapath = find_datapath(c, c->argv[1]);
	const struct datum *zones;

	if (!datapath)
		return error_new("datapath: %s record not found", c->argv[1]);
	zones = dbtxn_read(datapath, DB_DATAPATH_CT_ZONES);
	for (size_t i = 0; i < zones->n; i++) {
		struct db_row *zone =
			dbtxn_find(c->ctl->db, &db_ct_zone_class, &datum_value(zones, i)->uuid);
		const struct datum *ref = zone ? dbtxn_read(zone, DB_CT_ZONE_TIMEOUT_POLICY) : NULL;
		struct db_row *policy = NULL;

		if (ref && ref->n)
			policy = dbtxn_find(c->ctl->db, &db_ct_timeout_policy_class,
					    &datum_key(ref, 0)->uuid);
		if (policy)
			print_policy(c, datum_key(zones, i)->integer, policy);
	}
	return NULL;
}

// --- Limits

static struct error *run_set_zone_limit(struct ctl_context *c)
{
	struct db_row *datapath, *zone;
	struct error *error = get_datapath(c, &datapath);
	int64_t number = -1, limit;

	if (!error && strcmp(c->argv[2], "default"))
		error = parse_zone(c->argv[2], &number);
	if (error)
		return error;
	if (parse_i64(c->argv[3], 10, &limit) || limit < 0 || limit > UINT32_MAX)
		return error_new("\"%s\" is not a limit: use a number from 0 to 4294967295",
				 c->argv[3]);
	if (number < 0) {
		dbtxn_set_ints(c->ctl->txn, datapath, DB_DATAPATH_CT_ZONE_DEFAULT_LIMIT, &limit, 1);
		return NULL;
	}
	zone = find_zone(c, datapath, number);
	if (!zone)
		zone = insert_zone(c, datapath, number);
	dbtxn_set_ints(c->ctl->txn, zone, DB_CT_ZONE_LIMIT, &limit, 1);
	return NULL;
}

static struct error *run_del_zone_limit(struct ctl_context *c)
{
	bool if_exists = ctl_option(c, "--if-exists");
	struct db_row *datapath, *zone;
	struct error *error = get_datapath(c, &datapath);
	int64_t number;

	if (error)
		return error;
	if (!strcmp(c->argv[2], "default")) {
		if (!is_set(datapath, DB_DATAPATH_CT_ZONE_DEFAULT_LIMIT) && !if_exists)
			return error_new("datapath %s does not have a limit", c->argv[1]);
		dbtxn_set_ints(c->ctl->txn, datapath, DB_DATAPATH_CT_ZONE_DEFAULT_LIMIT, NULL, 0);
		return NULL;
	}
	error = parse_zone(c->argv[2], &number);
	if (error)
		return error;
	zone = find_zone(c, datapath, number);
	if (zone && is_set(zone, DB_CT_ZONE_LIMIT))
		clear_zone(c, datapath, number, zone, DB_CT_ZONE_LIMIT);
	else if (!if_exists)
		return error_new("zone_id %" PRId64 " does not have a limit", number);
	return NULL;
}

static struct error *run_list_zone_limits(struct ctl_context *c)
{
	struct db_row *datapath;
	struct error *error = get_datapath(c, &datapath);
	const struct datum *zones;
	int64_t limit;

	if (error)
		return error;
	limit = vsctl_integer(datapath, DB_DATAPATH_CT_ZONE_DEFAULT_LIMIT, -1);
	if (limit >= 0)
		str_addf(&c->output, "Default limit: %" PRId64 "\n", limit);
	zones = dbtxn_read(datapath, DB_DATAPATH_CT_ZONES);
	for (size_t i = 0; i < zones->n; i++) {
		struct db_row *zone =
			dbtxn_find(c->ctl->db, &db_ct_zone_class, &datum_value(zones, i)->uuid);

		limit = zone ? vsctl_integer(zone, DB_CT_ZONE_LIMIT, -1) : -1;
		if (limit >= 0)
			str_addf(&c->output, "Zone: %" PRId64 ", Limit: %" PRId64 "\n",
				 datum_key(zones, i)->integer, limit);
	}
	return NULL;
}

// --- Capabilities

static struct error *prepare_capabilities(struct ctl_context *c)
{
	ctl_monitor(c->ctl, &db_open_vswitch_class, DB_OPEN_VSWITCH_DATAPATHS);
	ctl_monitor(c->ctl, &db_datapath_class, DB_DATAPATH_CAPABILITIES);
	return NULL;
}

static struct error *run_list_dp_cap(struct ctl_context *c)
{
	struct db_row *datapath = find_datapath(c, c->argv[1]);
	const struct datum *capabilities;

	if (!datapath)
		return error_new("datapath \"%s\" record not found", c->argv[1]);
	capabilities = dbtxn_read(datapath, DB_DATAPATH_CAPABILITIES);
	for (size_t i = 0; i < capabilities->n; i++)
		str_addf(&c->output, "%s%s=%s", i ? " " : "",
			 atom_string(datum_key(capabilities, i)),
			 atom_string(datum_value(capabilities, i)));
	str_addc(&c->output, '\n');
	return NULL;
}

const struct ctl_command vsctl_datapath_commands[] = {
	{"add-zone-tp", 3, INT_MAX, "!DATAPATH !ZONE +TIMEOUT", prepare_zones, run_add_zone_tp,
	 NULL, "--may-exist"},
	{"del-zone-tp", 2, 2, "!DATAPATH !ZONE", prepare_zones, run_del_zone_tp, NULL,
	 "--if-exists"},
	{"list-zone-tp", 1, 1, "!DATAPATH", prepare_zones, run_list_zone_tp, NULL, ""},
	{"set-zone-limit", 3, 3, "!DATAPATH !ZONE !LIMIT", prepare_zones, run_set_zone_limit, NULL,
	 ""},
	{"del-zone-limit", 2, 2, "!DATAPATH !ZONE", prepare_zones, run_del_zone_limit, NULL,
	 "--if-exists"},
	{"list-zone-limits", 1, 1, "!DATAPATH", prepare_zones, run_list_zone_limits, NULL, ""},
	{"list-dp-cap", 1, 1, "!DATAPATH", prepare_capabilities, run_list_dp_cap, NULL, ""},
	{0},
};
