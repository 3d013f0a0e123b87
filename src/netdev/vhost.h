/* SPDX-License-Identifier: Apache-2.0 */
// Types "dpdkvhostuser" and "dpdkvhostuserclient": a virtual machine's network card, over
// vhost-user. The first listens on a socket that is named after the port, in vhost-sock-dir; the
// second connects to the one that QEMU listens on (options:vhost-server-path), again and again
// until there is somebody. Main thread.
#pragma once
#include <stdbool.h>

struct vhost_settings { // Open_vSwitch.other_config; but for no_tso, of ports that are opened after
			// it
	const char *sock_dir; // vhost-sock-dir, relative to the run directory; NULL: the run
			      // directory itself. Borrowed during the call.
	bool iommu;	      // vhost-iommu-support
	bool postcopy;	      // vhost-postcopy-support
	bool no_tso; // userspace-tso-enable=false: guests cut their TCP segments themselves; for
		     // those whose drivers start after it
};
// The number of guests that are connected and go on with the other no_tso until their drivers start
// anew.
unsigned int vhost_configure(const struct vhost_settings *);
