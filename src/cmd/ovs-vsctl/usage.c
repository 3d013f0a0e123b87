/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>

#include "base/dirs.h"
#include "base/log.h"
#include "cmd/common/daemon.h"
#include "cmd/common/tls_options.h"
#include "cmd/ovs-vsctl/usage.h"

static const char commands[] =
	"Commands on the switch:\n"
	"  init                        prepare an empty database\n"
	"  show                        overview of the configuration\n"
	"  emer-reset                  back to a clean state: no controllers, managers, "
	"mirrors...\n"
	"\n"
	"Bridges:\n"
	"  add-br BRIDGE               create BRIDGE\n"
	"  add-br BRIDGE PARENT VLAN   create fake BRIDGE for VLAN of PARENT\n"
	"  del-br BRIDGE               delete BRIDGE with its ports\n"
	"  list-br                     names of all bridges\n"
	"  br-exists BRIDGE            exit with 2 if there is no BRIDGE\n"
	"  br-to-vlan BRIDGE           the VLAN of a fake bridge, or 0\n"
	"  br-to-parent BRIDGE         the parent of a fake bridge, or BRIDGE\n"
	"  br-set-external-id BRIDGE KEY [VALUE]  set or remove KEY\n"
	"  br-get-external-id BRIDGE [KEY]  value of KEY, or all of them\n"
	"\n"
	"Ports (a bond is one port):\n"
	"  list-ports BRIDGE           names of all ports\n"
	"  add-port BRIDGE PORT [COLUMN[:KEY]=VALUE]...  add network device PORT\n"
	"  add-bond BRIDGE PORT IFACE... [COLUMN[:KEY]=VALUE]...  add a bond of IFACEs\n"
	"  add-bond-iface BOND IFACE   add IFACE to BOND\n"
	"  del-bond-iface [BOND] IFACE  remove IFACE from its bond\n"
	"  del-port [BRIDGE] PORT      delete PORT\n"
	"  port-to-br PORT             the bridge that has PORT\n"
	"\n"
	"Interfaces (a bond has several):\n"
	"  list-ifaces BRIDGE          names of all interfaces\n"
	"  iface-to-br IFACE           the bridge that has IFACE\n"
	"\n"
	"Controllers:\n"
	"  get-controller BRIDGE       targets of BRIDGE's controllers\n"
	"  del-controller BRIDGE       remove them\n"
	"  [--inactivity-probe=MSECS] set-controller BRIDGE TARGET...  replace them\n"
	"  get-fail-mode BRIDGE        the fail mode of BRIDGE\n"
	"  del-fail-mode BRIDGE        remove it\n"
	"  set-fail-mode BRIDGE MODE   set it to \"standalone\" or \"secure\"\n"
	"\n"
	"Managers and SSL:\n"
	"  get-manager, del-manager, [--inactivity-probe=MSECS] set-manager TARGET...\n"
	"  get-ssl, del-ssl, [--bootstrap] set-ssl PRIVATE-KEY CERTIFICATE CA-CERT\n"
	"\n"
	"Auto-attach:\n"
	"  add-aa-mapping BRIDGE I-SID VLAN  add a mapping to BRIDGE\n"
	"  del-aa-mapping BRIDGE I-SID VLAN  delete it\n"
	"  get-aa-mapping BRIDGE       all mappings\n"
	"\n"
	"Datapaths:\n"
	"  add-zone-tp DATAPATH zone=ZONE NAME=SECONDS...  timeouts for a conntrack zone\n"
	"  del-zone-tp DATAPATH zone=ZONE  remove them\n"
	"  list-zone-tp DATAPATH       those of all zones\n"
	"  set-zone-limit DATAPATH zone=ZONE|default LIMIT  connections allowed in a zone\n"
	"  del-zone-limit DATAPATH zone=ZONE|default  remove the limit\n"
	"  list-zone-limits DATAPATH   limits of all zones\n"
	"  list-dp-cap DATAPATH        what the datapath can do\n"
	"\n"
	"Any table:\n"
	"  list TABLE [RECORD]...      show all columns of records\n"
	"  find TABLE CONDITION...     show records that satisfy each CONDITION\n"
	"  get TABLE RECORD COLUMN[:KEY]...  values of columns\n"
	"  set TABLE RECORD COLUMN[:KEY]=VALUE...  set columns\n"
	"  add TABLE RECORD COLUMN [KEY=]VALUE...  add to a set or map\n"
	"  remove TABLE RECORD COLUMN KEY|VALUE|KEY=VALUE...  remove from a set or map\n"
	"  clear TABLE RECORD COLUMN...  empty columns\n"
	"  create TABLE COLUMN[:KEY]=VALUE...  create a record\n"
	"  destroy TABLE RECORD...     delete records\n"
	"  wait-until TABLE RECORD [CONDITION]...  wait until they hold\n"
	"  comment [ARG]...            a note in the database's log\n"
	"\n"
	"RECORD is a UUID, or the first digits of one, or (where there is but one record) \".\", "
	"or a name:\n";

static const char options[] =
	"\n"
	"Options:\n"
	"  --db=DATABASE               where the database is\n"
	"                              (default: unix:%s/db.sock)\n"
	"  --no-wait                   do not wait for ovs-vswitchd to apply the change\n"
	"  --retry                     keep trying to connect to the database\n"
	"  -t, --timeout=SECS          give up after SECS seconds\n"
	"  --dry-run                   do everything but change the database\n"
	"  --oneline                   one line of output per command\n"
	"  --[no-]shuffle-remotes      try several databases in random order\n"
	"\n"
	"Output of list and find:\n"
	"  -f, --format=FORMAT         \"table\", \"list\" (default), \"html\", \"csv\" or "
	"\"json\"\n"
	"  -d, --data=FORMAT           cells as \"string\" (default), \"bare\" or \"json\"\n"
	"  --no-headings               without the line of headings\n"
	"  --pretty                    JSON with line breaks\n"
	"  --bare                      --format=list --data=bare --no-headings\n"
	"  --max-column-width=N        cut wider cells of tables\n";

static const char other_options[] =
	"  --no-syslog                 the same as --verbose=vsctl:syslog:warn\n"
	"\n"
	"Other options:\n"
	"  --commands, --options       lists for shell completion\n"
	"  -h, --help                  this text\n"
	"  -V, --version               versions\n";

static void print_row_names(void)
{
	for (const struct ctl_row_id *id = vsctl_row_ids; id->table; id++) {
		const char *name = id->named->columns[id->name_column].name;

		if (id->ref_column < 0)
			printf("  %s: its %s\n", id->table->name, name);
		else
			printf("  %s: the %s of the %s whose %s it is\n", id->table->name, name,
			       id->named->name, id->named->columns[id->ref_column].name);
	}
}

void usage_print(void)
{
	printf("%s: ovs-vswitchd management utility\nusage: %s [OPTIONS] COMMAND [ARG...]\n\n%s",
	       log_program(), log_program(), commands);
	print_row_names();
	printf(options, dir_run());
	putchar('\n');
	tls_usage();
	log_usage();
	fputs(other_options, stdout);
}

void usage_print_options(const struct option *long_options, const char *short_options)
{
	for (const struct option *o = long_options; o->name; o++) {
		printf("--%s%s\n", o->name, o->has_arg == required_argument ? "=ARG" : "");
		for (const char *s = short_options; o->flag == NULL && *s; s++)
			if (*s == o->val)
				printf("-%c%s\n", *s, s[1] == ':' ? " ARG" : "");
	}
}
