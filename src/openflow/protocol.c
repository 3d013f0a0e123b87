/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/protocol.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/str.h"

static const struct {
	const char *name, *short_name;
} versions_table[] = {
	[OFP10] = {"OpenFlow10", "OF1.0"}, [OFP11] = {"OpenFlow11", "OF1.1"},
	[OFP12] = {"OpenFlow12", "OF1.2"}, [OFP13] = {"OpenFlow13", "OF1.3"},
	[OFP14] = {"OpenFlow14", "OF1.4"}, [OFP15] = {"OpenFlow15", "OF1.5"},
};

static const struct {
	enum ofp_protocol protocol;
	uint8_t version;
	const char *name;
} protocols_table[] = {
	{OFPROTO_10, OFP10, "OpenFlow10-table_id"}, {OFPROTO_10_TID, OFP10, "OpenFlow10+table_id"},
	{OFPROTO_NXM, OFP10, "NXM-table_id"},	    {OFPROTO_NXM_TID, OFP10, "NXM+table_id"},
	{OFPROTO_11, OFP11, "OpenFlow11"},	    {OFPROTO_12, OFP12, "OXM-OpenFlow12"},
	{OFPROTO_13, OFP13, "OXM-OpenFlow13"},	    {OFPROTO_14, OFP14, "OXM-OpenFlow14"},
	{OFPROTO_15, OFP15, "OXM-OpenFlow15"},
};
enum { N_PROTOCOLS = sizeof(protocols_table) / sizeof(protocols_table[0]) };

static const struct {
	uint32_t protocols;
	const char *name;
} sets_table[] = {
	{OFPROTO_ALL, "any"},
	{OFPROTO_10_ANY, "OpenFlow10"},
	{OFPROTO_NXM_ANY, "NXM"},
	{OFPROTO_OXM_ANY, "OXM"},
};
enum { N_SETS = sizeof(sets_table) / sizeof(sets_table[0]) };

uint8_t ofp_version_parse(const char *s)
{
	for (uint8_t v = OFP10; v <= OFP15; v++)
		if (!strcasecmp(s, versions_table[v].name))
			return v;
	return 0;
}

const char *ofp_version_name(uint8_t version)
{
	return version >= OFP10 && version <= OFP15 ? versions_table[version].name : "Unknown";
}

const char *ofp_version_short_name(uint8_t version)
{
	return version >= OFP10 && version <= OFP15 ? versions_table[version].short_name : NULL;
}

struct error *ofp_versions_parse(const char *s, uint32_t *out)
{
	uint32_t versions = 0;
	char *copy = xstrdup(s), *save = NULL;
	for (char *word = strtok_r(copy, ", ", &save); word; word = strtok_r(NULL, ", ", &save)) {
		uint8_t v = ofp_version_parse(word);
		if (!v) {
			struct error *e = error_new("Unknown OpenFlow version: \"%s\"", word);
			free(copy);
			return e;
		}
		versions |= 1u << v;
	}
	free(copy);
	*out = versions ? versions : OFP_VERSIONS_ALL;
	return NULL;
}

void ofp_versions_format(uint32_t versions, struct str *s)
{
	const char *separator = "";
	for (unsigned int v = 0; v < 32; v++) {
		if (!(versions & 1u << v))
			continue;
		str_add(s, separator);
		if (v >= OFP10 && v <= OFP15)
			str_add(s, versions_table[v].name);
		else
			str_addf(s, "0x%02x", v);
		separator = ", ";
	}
}

uint8_t ofp_protocol_version(enum ofp_protocol p)
{
	for (int i = 0; i < N_PROTOCOLS; i++)
		if (protocols_table[i].protocol == p)
			return protocols_table[i].version;
	return OFP10;
}

enum ofp_protocol ofp_protocol_of_version(uint8_t version)
{
	for (int i = 0; i < N_PROTOCOLS; i++)
		if (protocols_table[i].version == version)
			return protocols_table[i].protocol;
	return OFPROTO_10;
}

uint32_t ofp_protocols_of_versions(uint32_t versions)
{
	uint32_t bits = 0;
	for (int i = 0; i < N_PROTOCOLS; i++)
		if (versions & 1u << protocols_table[i].version)
			bits |= protocols_table[i].protocol;
	return bits;
}

uint32_t ofp_versions_of_protocols(uint32_t protocols)
{
	uint32_t bits = 0;
	for (int i = 0; i < N_PROTOCOLS; i++)
		if (protocols & protocols_table[i].protocol)
			bits |= 1u << protocols_table[i].version;
	return bits;
}

enum ofp_protocol ofp_protocol_set_tid(enum ofp_protocol p, bool on)
{
	if (p & OFPROTO_10_ANY)
		return on ? OFPROTO_10_TID : OFPROTO_10;
	if (p & OFPROTO_NXM_ANY)
		return on ? OFPROTO_NXM_TID : OFPROTO_NXM;
	return p;
}

bool ofp_protocol_has_tid(enum ofp_protocol p)
{
	return !(p & (OFPROTO_10 | OFPROTO_NXM));
}

bool ofp_protocol_uses_nxm(enum ofp_protocol p)
{
	return p & OFPROTO_NXM_ANY;
}

const char *ofp_protocol_name(enum ofp_protocol p)
{
	for (int i = 0; i < N_PROTOCOLS; i++)
		if (protocols_table[i].protocol == p)
			return protocols_table[i].name;
	for (int i = 0; i < N_SETS; i++)
		if (sets_table[i].protocols == (uint32_t)p)
			return sets_table[i].name;
	return NULL;
}

static uint32_t protocols_by_name(const char *name)
{
	for (int i = 0; i < N_SETS; i++)
		if (!strcasecmp(sets_table[i].name, name))
			return sets_table[i].protocols;
	for (int i = 0; i < N_PROTOCOLS; i++)
		if (!strcasecmp(protocols_table[i].name, name))
			return protocols_table[i].protocol;
	return 0;
}

struct error *ofp_protocols_parse(const char *s, uint32_t *out)
{
	uint32_t protocols = 0;
	char *copy = xstrdup(s), *save = NULL;
	struct error *e = NULL;
	for (char *word = strtok_r(copy, ",", &save); word && !e;
	     word = strtok_r(NULL, ",", &save)) {
		uint32_t p = protocols_by_name(word);
		if (!p)
			e = error_new("%s: unknown flow protocol", word);
		protocols |= p;
	}
	free(copy);
	if (!e && !protocols)
		e = error_new("%s: no flow protocol specified", s);
	if (!e)
		*out = protocols;
	return e;
}

char *ofp_protocols_format(uint32_t protocols)
{
	struct str s = STR_INIT;
	if (!protocols)
		str_add(&s, "none");
	while (protocols) {
		uint32_t take = 0;
		const char *name = NULL;
		for (int i = 0; i < N_SETS && !name; i++)
			if ((protocols & sets_table[i].protocols) == sets_table[i].protocols) {
				name = sets_table[i].name;
				take = sets_table[i].protocols;
			}
		for (int i = 0; i < N_PROTOCOLS && !name; i++)
			if (protocols & protocols_table[i].protocol) {
				name = protocols_table[i].name;
				take = protocols_table[i].protocol;
			}
		if (!name)
			break;
		if (s.len)
			str_addc(&s, ',');
		str_add(&s, name);
		protocols &= ~take;
	}
	return str_take(&s);
}
