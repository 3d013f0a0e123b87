/* SPDX-License-Identifier: Apache-2.0 */
#include "netdev/next_hop.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

// Sends one request and hands its answer to the callback.
static int ask(struct nlmsghdr *nlh, mnl_cb_t cb, void *arg)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!socket)
		return -errno;
	char reply[8192];
	int r = -1;
	nlh->nlmsg_seq = 1;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) >= 0 &&
	    mnl_socket_sendto(socket, nlh, nlh->nlmsg_len) >= 0) {
		ssize_t n = mnl_socket_recvfrom(socket, reply, sizeof(reply));
		if (n >= 0)
			r = mnl_cb_run(reply, (size_t)n, 1, mnl_socket_get_portid(socket), cb, arg);
	}
	r = r < 0 ? -errno : 0;
	mnl_socket_close(socket);
	return r;
}

struct route {
	int oif;
	be32_t gateway; // 0: on the link
};

static int on_route_attr(const struct nlattr *attr, void *arg)
{
	struct route *route = arg;
	if (mnl_attr_get_payload_len(attr) < 4)
		return MNL_CB_OK;
	if (mnl_attr_get_type(attr) == RTA_OIF)
		route->oif = (int)mnl_attr_get_u32(attr);
	else if (mnl_attr_get_type(attr) == RTA_GATEWAY)
		route->gateway = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int on_route(const struct nlmsghdr *nlh, void *arg)
{
	if (nlh->nlmsg_type == RTM_NEWROUTE)
		mnl_attr_parse(nlh, sizeof(struct rtmsg), on_route_attr, arg);
	return MNL_CB_OK;
}

static int find_route(be32_t dst, struct route *route)
{
	uint8_t bytes[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = 32;
	mnl_attr_put_u32(nlh, RTA_DST, dst);
	*route = (struct route){0};
	return ask(nlh, on_route, route);
}

static int on_neighbour_attr(const struct nlattr *attr, void *arg)
{
	const uint8_t **mac = arg;
	if (mnl_attr_get_type(attr) == NDA_LLADDR && mnl_attr_get_payload_len(attr) == 6)
		*mac = mnl_attr_get_payload(attr);
	return MNL_CB_OK;
}

static int on_neighbour(const struct nlmsghdr *nlh, void *arg)
{
	const uint8_t *mac = NULL;
	if (nlh->nlmsg_type != RTM_NEWNEIGH ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct ndmsg))
		return MNL_CB_OK;
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	mnl_attr_parse(nlh, sizeof(*ndm), on_neighbour_attr, &mac);
	if (mac && ndm->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE |
				     NUD_PERMANENT | NUD_NOARP)) {
		memcpy(arg, mac, 6);
		((uint8_t *)arg)[6] = 1;
	}
	return MNL_CB_OK;
}

int next_hop_mac(int ifindex, be32_t dst, uint8_t mac[6])
{
	struct route route;
	int r = find_route(dst, &route);
	if (r)
		return r;
	if (route.oif != ifindex)
		return -EXDEV;
	uint8_t bytes[256], found[7] = {0}; // the address, and whether there is one
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(bytes);
	nlh->nlmsg_type = RTM_GETNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	struct ndmsg *ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = AF_INET;
	ndm->ndm_ifindex = ifindex;
	mnl_attr_put_u32(nlh, NDA_DST, route.gateway ? route.gateway : dst);
	r = ask(nlh, on_neighbour, found);
	if (r == -ENOENT || (!r && !found[6]))
		return -EAGAIN;
	if (!r)
		memcpy(mac, found, 6);
	return r;
}
