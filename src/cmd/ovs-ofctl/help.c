/* SPDX-License-Identifier: Apache-2.0 */
// What --help says: a row per command that the manual page knows.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/ovs-ofctl/ofctl.h"

struct help {
	const char *command; // with its arguments
	const char *text;
};

static const struct help switch_help[] = {
	{"show SWITCH", "what the switch is, its ports and configuration"},
	{"dump-desc SWITCH", "maker, hardware, software, serial number"},
	{"dump-tables SWITCH", "statistics of the flow tables"},
	{"dump-table-features SWITCH", "what each table can do (OF1.3+)"},
	{"dump-table-desc SWITCH", "how each table is configured (OF1.4+)"},
	{"mod-port SWITCH IFACE ACT", "change the behavior of a port"},
	{"", "  ACT: up, down, [no-]stp, [no-]receive, [no-]receive-stp, [no-]forward, "
	     "[no-]flood, [no-]packet-in"},
	{"mod-table SWITCH TABLE MOD", "change the behavior of a flow table"},
	{"", "  OF1.1/1.2 MOD: controller, continue, drop"},
	{"", "  OF1.3+ MOD: name:NAME; OF1.4+: [no]evict, vacancy:LOW,HIGH, novacancy"},
	{"get-frags SWITCH", "how fragments are handled"},
	{"set-frags SWITCH FRAG_MODE", "change it: normal, drop, reassemble, nx-match"},
	{"dump-ports SWITCH [PORT]", "counters of ports"},
	{"dump-ports-desc SWITCH [PORT]", "properties of ports"},
	{"dump-flows SWITCH [FLOW]", "flows, or those that match FLOW"},
	{"dump-aggregate SWITCH [FLOW]", "their counters together"},
	{"queue-stats SWITCH [PORT [QUEUE]]", "counters of queues"},
	{"queue-get-config SWITCH [PORT [QUEUE]]", "properties of queues"},
	{"add-flow SWITCH FLOW", "add a flow (-: those on standard input)"},
	{"add-flows SWITCH FILE", "add, change, delete the flows in FILE"},
	{"mod-flows SWITCH FLOW", "change the actions of flows that match"},
	{"del-flows SWITCH [FLOW]", "delete flows that match"},
	{"replace-flows SWITCH FILE", "make the flows those in FILE"},
	{"diff-flows SOURCE1 SOURCE2", "compare the flows of two switches or files"},
	{"packet-out SWITCH PACKET-OUT", "execute actions on a packet"},
	{"", "  also: packet-out SWITCH IN_PORT ACTIONS PACKET..."},
	{"monitor SWITCH [MISSLEN] [invalid_ttl] [resume] [watch:[...]]",
	 "print what the switch sends by itself"},
	{"snoop SWITCH", "print what the switch and its controller say"},
	{"add-group SWITCH GROUP", "add a group"},
	{"add-groups SWITCH FILE", "add, change, delete the groups in FILE"},
	{"[--may-create] mod-group SWITCH GROUP", "change a group"},
	{"del-groups SWITCH [GROUP]", "delete groups"},
	{"insert-buckets SWITCH GROUP", "add buckets to a group"},
	{"remove-buckets SWITCH GROUP", "remove buckets from a group"},
	{"dump-groups SWITCH [GROUP]", "groups and their buckets"},
	{"dump-group-stats SWITCH [GROUP]", "counters of groups"},
	{"dump-group-features SWITCH", "what groups can do"},
	{"add-meter SWITCH METER", "add a meter (OF1.3+)"},
	{"mod-meter SWITCH METER", "change a meter"},
	{"del-meters SWITCH [METER]", "delete meters"},
	{"dump-meters SWITCH [METER]", "meters and their bands"},
	{"meter-stats SWITCH [METER]", "counters of meters"},
	{"meter-features SWITCH", "what meters can do"},
	{"bundle SWITCH FILE", "changes of flows and groups, packets, in one transaction"},
	{"add-tlv-map SWITCH MAP", "give options of tunnels the names of fields"},
	{"del-tlv-map SWITCH [MAP]", "take them away"},
	{"dump-tlv-map SWITCH", "options of tunnels that are fields"},
	{"dump-ipfix-bridge SWITCH", "statistics of the bridge's IPFIX"},
	{"dump-ipfix-flow SWITCH", "statistics of IPFIX of flows"},
	{"ct-flush-zone SWITCH ZONE", "forget the connections of a zone"},
	{"ct-flush SWITCH [zone=N] [CT-ORIG-TUPLE [CT-REPLY-TUPLE]]", "forget connections"},
	{0},
};
static const struct help any_help[] = {
	{"probe TARGET", "is TARGET up?"},
	{"ping TARGET [N]", "latency of echoes of N bytes"},
	{"benchmark TARGET N COUNT", "bandwidth of COUNT echoes of N bytes"},
	{0},
};
static const struct help other_help[] = {
	{"ofp-parse FILE", "print the messages in FILE"},
	{"ofp-parse-pcap PCAP [PORT...]", "print the messages in a capture of packets"},
	{"list-commands", "name all commands, those for tests, too"},
	{0},
};

static void print_rows(const struct help *h)
{
	enum { COLUMN = 30 };
	for (; h->command; h++)
		if (strlen(h->command) <= COLUMN)
			printf("  %-*s %s\n", COLUMN, h->command, h->text);
		else
			printf("  %s\n  %-*s %s\n", h->command, COLUMN, "", h->text);
}

void ofctl_help(void)
{
	printf("%s: OpenFlow switch management utility\n"
	       "usage: %s [OPTIONS] COMMAND [ARG...]\n\nFor OpenFlow switches:\n",
	       log_program(), log_program());
	print_rows(switch_help);
	printf("\nFor OpenFlow switches and controllers:\n");
	print_rows(any_help);
	printf("\nOther commands:\n");
	print_rows(other_help);
	printf("\nSWITCH and TARGET are the name of a bridge, the file of a socket, or one of\n"
	       "  tcp:HOST[:PORT]         PORT (default: %d) at remote HOST\n"
	       "  ssl:HOST[:PORT]         SSL PORT (default: %d) at remote HOST\n"
	       "  unix:FILE               Unix domain socket named FILE\n",
	       OFP_PORT_TCP, OFP_PORT_TCP);
	tls_usage();
	daemon_usage();
	printf("\nOpenFlow version options:\n"
	       "  -V, --version           display version information\n"
	       "  -O, --protocols         set allowed OpenFlow versions\n"
	       "                          (default: OpenFlow10)\n");
	log_usage();
	printf("\nOther options:\n"
	       "  --strict                    use strict match for flow commands\n"
	       "  --read-only                 do not execute read/write commands\n"
	       "  --readd                     replace flows that haven't changed\n"
	       "  --bundle                    change flows and groups in one transaction\n"
	       "  -F, --flow-format=FORMAT    force particular flow format\n"
	       "  -P, --packet-in-format=FRMT force particular packet in format\n"
	       "  -m, --more                  be more verbose printing OpenFlow\n"
	       "  --timestamp                 (monitor, snoop) print timestamps\n"
	       "  -t, --timeout=SECS          give up after SECS seconds\n"
	       "  --sort[=field]              sort in ascending order\n"
	       "  --rsort[=field]             sort in descending order\n"
	       "  --names, --no-names         show port names, or neither show nor take them\n"
	       "  --no-stats                  show flows without their counters\n"
	       "  --unixctl=SOCKET            set control socket name\n"
	       "  --color[=always|never|auto] control use of color in output\n"
	       "  -h, --help                  display this help message\n"
	       "  -V, --version               display version information\n");
	end_output();
	exit(EXIT_SUCCESS);
}
