/* SPDX-License-Identifier: Apache-2.0 */
#include "netdev/rtnl.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

static int read_kind(const struct nlattr *attr, void *link)
{
	if (mnl_attr_get_type(attr) == IFLA_INFO_KIND && !mnl_attr_validate(attr, MNL_TYPE_STRING))
		snprintf(((struct rtnl_link *)link)->kind, sizeof(((struct rtnl_link *)link)->kind),
			 "%s", mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

static int read_attr(const struct nlattr *attr, void *arg)
{
	struct rtnl_link *link = arg;
	size_t len = mnl_attr_get_payload_len(attr);
	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		if (!mnl_attr_validate(attr, MNL_TYPE_STRING))
			snprintf(link->name, sizeof(link->name), "%s", mnl_attr_get_str(attr));
		break;
	case IFLA_ADDRESS:
		link->has_mac = len == 6;
		if (link->has_mac)
			memcpy(link->mac, mnl_attr_get_payload(attr), 6);
		break;
	case IFLA_MTU:
		if (len >= 4)
			link->mtu = (int)mnl_attr_get_u32(attr);
		break;
	case IFLA_CARRIER:
		if (len >= 1)
			link->carrier = mnl_attr_get_u8(attr);
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(attr, read_kind, link);
		break;
	case IFLA_STATS64:
		link->has_stats = true;
		memcpy(&link->stats, mnl_attr_get_payload(attr),
		       len < sizeof(link->stats) ? len : sizeof(link->stats));
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static bool read_link(const struct nlmsghdr *nlh, struct rtnl_link *link)
{
	*link = (struct rtnl_link){0};
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct ifinfomsg))
		return false;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	link->ifindex = info->ifi_index;
	link->flags = info->ifi_flags;
	link->carrier = info->ifi_flags & IFF_LOWER_UP;
	mnl_attr_parse(nlh, sizeof(*info), read_attr, link);
	return link->name[0];
}

static int on_reply(const struct nlmsghdr *nlh, void *link)
{
	if (link && nlh->nlmsg_type == RTM_NEWLINK)
		read_link(nlh, link);
	return MNL_CB_OK;
}

// A socket belongs to the namespace that its thread was in when it was made. NULL: errno says why.
static struct mnl_socket *open_in(int netns)
{
	if (netns == RTNL_HERE)
		return mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return NULL;
	struct mnl_socket *socket = NULL;
	int problem = 0;
	if (setns(netns, CLONE_NEWNET) < 0) {
		problem = errno;
	} else {
		socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
		problem = errno;
		if (setns(home, CLONE_NEWNET) < 0)
			abort(); // all that this thread opened from now on would be somewhere else
	}
	close(home);
	errno = problem;
	return socket;
}

// Sends one request and waits for its reply (into `link`) or acknowledgement.
static int transact(int netns, struct nlmsghdr *nlh, struct rtnl_link *link)
{
	struct mnl_socket *socket = open_in(netns);
	if (!socket)
		return -errno;
	char reply[32768];
	nlh->nlmsg_seq = (uint32_t)time(NULL);
	int r = -1;
	ssize_t n;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) < 0) {
		r = -errno;
	} else {
		unsigned int port = mnl_socket_get_portid(socket);
		do {
			n = mnl_socket_recvfrom(socket, reply, sizeof(reply));
			if (n < 0) {
				if (errno == EINTR)
					continue;
				break;
			}
			r = mnl_cb_run(reply, (size_t)n, nlh->nlmsg_seq, port, on_reply, link);
		} while (n < 0 || (r > 0 && !link));
		r = n < 0 || r < 0 ? -errno : 0;
	}
	mnl_socket_close(socket);
	return r;
}

static struct nlmsghdr *begin(void *bytes, uint16_t type, int ifindex)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (type == RTM_GETLINK ? 0 : NLM_F_ACK));
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(nlh, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	info->ifi_index = ifindex;
	return nlh;
}

int rtnl_link_get(int netns, const char *name, struct rtnl_link *link)
{
	if (strlen(name) >= IFNAMSIZ || !*name)
		return -ENODEV;
	char request[512];
	struct nlmsghdr *nlh = begin(request, RTM_GETLINK, 0);
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	int r = transact(netns, nlh, link);
	return r < 0 ? r : link->ifindex ? 0 : -ENODEV;
}

int rtnl_link_set_mac(int netns, int ifindex, const uint8_t mac[6])
{
	char request[512];
	struct nlmsghdr *nlh = begin(request, RTM_NEWLINK, ifindex);
	mnl_attr_put(nlh, IFLA_ADDRESS, 6, mac);
	return transact(netns, nlh, NULL);
}

int rtnl_link_set_mtu(int netns, int ifindex, int mtu)
{
	char request[512];
	struct nlmsghdr *nlh = begin(request, RTM_NEWLINK, ifindex);
	mnl_attr_put_u32(nlh, IFLA_MTU, (uint32_t)mtu);
	return transact(netns, nlh, NULL);
}

int rtnl_link_set_up(int netns, int ifindex, bool up)
{
	char request[512];
	struct nlmsghdr *nlh = begin(request, RTM_NEWLINK, ifindex);
	struct ifinfomsg *info = mnl_nlmsg_get_payload(nlh);
	info->ifi_change = IFF_UP;
	info->ifi_flags = up ? IFF_UP : 0;
	return transact(netns, nlh, NULL);
}

int rtnl_link_set_group(int ifindex, uint32_t group)
{
	char request[512];
	struct nlmsghdr *nlh = begin(request, RTM_SETLINK, ifindex);
	mnl_attr_put_u32(nlh, IFLA_GROUP, group);
	return transact(RTNL_HERE, nlh, NULL);
}

int rtnl_group_remove(uint32_t group)
{
	char request[512];
	struct nlmsghdr *nlh = begin(request, RTM_DELLINK, 0);
	mnl_attr_put_u32(nlh, IFLA_GROUP, group);
	return transact(RTNL_HERE, nlh, NULL);
}

struct rtnl_watch {
	const struct rtnl_watch_callbacks *callbacks;
	void *arg;
	struct mnl_socket *socket;
	struct loop_fd *fd;
};

static int on_notification(const struct nlmsghdr *nlh, void *arg)
{
	struct rtnl_watch *watch = arg;
	struct rtnl_link link;
	if ((nlh->nlmsg_type != RTM_NEWLINK && nlh->nlmsg_type != RTM_DELLINK) ||
	    !read_link(nlh, &link))
		return MNL_CB_OK;
	// A bridge of the kernel tells of its ports in messages of its own family: a port that
	// leaves it is no link that goes.
	if (((const struct ifinfomsg *)mnl_nlmsg_get_payload(nlh))->ifi_family != AF_UNSPEC)
		return MNL_CB_OK;
	if (nlh->nlmsg_type == RTM_NEWLINK)
		watch->callbacks->changed(watch->arg, &link);
	else
		watch->callbacks->removed(watch->arg, link.ifindex, link.name);
	return MNL_CB_OK;
}

static void on_readable(void *arg, int fd, int events)
{
	struct rtnl_watch *watch = arg;
	char bytes[32768];
	for (int i = 0; i < 100; i++) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		if (n > 0) {
			mnl_cb_run(bytes, (size_t)n, 0, 0, on_notification, watch);
		} else if (n < 0 && errno == ENOBUFS) {
			watch->callbacks->lost(watch->arg);
		} else if (n >= 0 || errno != EINTR) {
			break;
		}
	}
}

int rtnl_watch_new(struct loop *loop, const struct rtnl_watch_callbacks *callbacks, void *arg,
		   struct rtnl_watch **out)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, RTMGRP_LINK, MNL_SOCKET_AUTOPID) < 0) {
		int r = -errno;
		mnl_socket_close(socket);
		return r;
	}
	int fd = mnl_socket_get_fd(socket), room = 1 << 20;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	struct rtnl_watch *watch = XNEW(struct rtnl_watch);
	*watch = (struct rtnl_watch){.callbacks = callbacks, .arg = arg, .socket = socket};
	watch->fd = loop_fd_add(loop, fd, LOOP_READ, on_readable, watch);
	*out = watch;
	return 0;
}

void rtnl_watch_free(struct rtnl_watch *watch)
{
	if (!watch)
		return;
	loop_fd_remove(watch->fd);
	mnl_socket_close(watch->socket);
	free(watch);
}
