/* SPDX-License-Identifier: Apache-2.0 */
#include "openflow/header.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum kind {
	STD,  // a type of OpenFlow's own
	REQ,  // a multipart request
	REP,  // a multipart reply
	VEN,  // a vendor's message
	VREQ, // a vendor's multipart request
	VREP,
};

// One row per message and shape: what it is, how it is told apart, how long its body may be.
struct row {
	const char *name; // "request" and "reply" of multipart messages are added when printed
	uint8_t type;	  // enum ofptype
	uint8_t kind;
	bool nx;
	uint8_t v_min, v_max;
	uint8_t wire10;	    // message type in 1.0
	uint16_t wire;	    // message type in 1.1 and later, multipart type, or vendor's subtype
	uint32_t vendor;    // VEN, VREQ, VREP
	uint16_t min, step; // body: at least min bytes, then whole steps; step 0: exactly min
};

enum { V10 = OFP10, V11 = OFP11, V12 = OFP12, V13 = OFP13, V14 = OFP14, V15 = OFP15 };
#define T(NAME) OFPTYPE_##NAME

static const struct row rows[] = {
	{"OFPT_FLOW_MOD", T(FLOW_MOD), STD, 0, V10, V10, 14, 14, 0, 64, 8},
	{"OFPT_FLOW_MOD", T(FLOW_MOD), STD, 0, V11, V15, 14, 14, 0, 40, 8},
	{"OFPT_PACKET_IN", T(PACKET_IN), STD, 0, V10, V10, 10, 10, 0, 10, 1},
	{"OFPT_PACKET_IN", T(PACKET_IN), STD, 0, V11, V11, 10, 10, 0, 16, 1},
	{"OFPT_PACKET_IN", T(PACKET_IN), STD, 0, V12, V12, 10, 10, 0, 8, 1},
	{"OFPT_PACKET_IN", T(PACKET_IN), STD, 0, V13, V15, 10, 10, 0, 16, 1},
	{"OFPT_PACKET_OUT", T(PACKET_OUT), STD, 0, V10, V10, 13, 13, 0, 8, 1},
	{"OFPT_PACKET_OUT", T(PACKET_OUT), STD, 0, V11, V14, 13, 13, 0, 16, 1},
	{"OFPT_PACKET_OUT", T(PACKET_OUT), STD, 0, V15, V15, 13, 13, 0, 8, 1},
	{"NXT_FLOW_MOD", T(FLOW_MOD), VEN, 1, V10, V15, 0, 13, OFP_VENDOR_NX, 32, 8},
	{"NXT_PACKET_IN", T(PACKET_IN), VEN, 1, V10, V15, 0, 17, OFP_VENDOR_NX, 24, 1},
	{"NXT_PACKET_IN2", T(PACKET_IN), VEN, 1, V10, V15, 0, 30, OFP_VENDOR_NX, 0, 8},
	{"OFPT_BARRIER_REQUEST", T(BARRIER_REQUEST), STD, 0, V10, V15, 18, 20, 0, 0, 0},
	{"OFPT_BARRIER_REPLY", T(BARRIER_REPLY), STD, 0, V10, V15, 19, 21, 0, 0, 0},
	{"OFPT_ECHO_REQUEST", T(ECHO_REQUEST), STD, 0, V10, V15, 2, 2, 0, 0, 1},
	{"OFPT_ECHO_REPLY", T(ECHO_REPLY), STD, 0, V10, V15, 3, 3, 0, 0, 1},
	{"OFPT_HELLO", T(HELLO), STD, 0, V10, V15, 0, 0, 0, 0, 1},
	{"OFPT_ERROR", T(ERROR), STD, 0, V10, V15, 1, 1, 0, 4, 1},

	{"OFPT_FEATURES_REQUEST", T(FEATURES_REQUEST), STD, 0, V10, V15, 5, 5, 0, 0, 0},
	{"OFPT_FEATURES_REPLY", T(FEATURES_REPLY), STD, 0, V10, V10, 6, 6, 0, 24, 48},
	{"OFPT_FEATURES_REPLY", T(FEATURES_REPLY), STD, 0, V11, V12, 6, 6, 0, 24, 64},
	{"OFPT_FEATURES_REPLY", T(FEATURES_REPLY), STD, 0, V13, V15, 6, 6, 0, 24, 0},
	{"OFPT_GET_CONFIG_REQUEST", T(GET_CONFIG_REQUEST), STD, 0, V10, V15, 7, 7, 0, 0, 0},
	{"OFPT_GET_CONFIG_REPLY", T(GET_CONFIG_REPLY), STD, 0, V10, V15, 8, 8, 0, 4, 0},
	{"OFPT_SET_CONFIG", T(SET_CONFIG), STD, 0, V10, V15, 9, 9, 0, 4, 0},
	{"OFPT_FLOW_REMOVED", T(FLOW_REMOVED), STD, 0, V10, V10, 11, 11, 0, 80, 0},
	{"OFPT_FLOW_REMOVED", T(FLOW_REMOVED), STD, 0, V11, V14, 11, 11, 0, 40, 8},
	{"OFPT_FLOW_REMOVED", T(FLOW_REMOVED), STD, 0, V15, V15, 11, 11, 0, 16, 8},
	{"NXT_FLOW_REMOVED", T(FLOW_REMOVED), VEN, 1, V10, V15, 0, 14, OFP_VENDOR_NX, 40, 8},
	{"OFPT_PORT_STATUS", T(PORT_STATUS), STD, 0, V10, V10, 12, 12, 0, 56, 0},
	{"OFPT_PORT_STATUS", T(PORT_STATUS), STD, 0, V11, V13, 12, 12, 0, 72, 0},
	{"OFPT_PORT_STATUS", T(PORT_STATUS), STD, 0, V14, V15, 12, 12, 0, 48, 8},
	{"OFPT_GROUP_MOD", T(GROUP_MOD), STD, 0, V11, V14, 0, 15, 0, 8, 8},
	{"OFPT_GROUP_MOD", T(GROUP_MOD), STD, 0, V15, V15, 0, 15, 0, 16, 8},
	{"NXT_GROUP_MOD", T(GROUP_MOD), VEN, 1, V10, V10, 0, 31, OFP_VENDOR_NX, 16, 8},
	{"OFPT_PORT_MOD", T(PORT_MOD), STD, 0, V10, V10, 15, 15, 0, 24, 0},
	{"OFPT_PORT_MOD", T(PORT_MOD), STD, 0, V11, V13, 15, 16, 0, 32, 0},
	{"OFPT_PORT_MOD", T(PORT_MOD), STD, 0, V14, V15, 15, 16, 0, 24, 8},
	{"OFPT_TABLE_MOD", T(TABLE_MOD), STD, 0, V11, V13, 0, 17, 0, 8, 0},
	{"OFPT_TABLE_MOD", T(TABLE_MOD), STD, 0, V14, V15, 0, 17, 0, 8, 8},
	{"OFPT_QUEUE_GET_CONFIG_REQUEST", T(QUEUE_GET_CONFIG_REQUEST), STD, 0, V10, V10, 20, 20, 0,
	 4, 0},
	{"OFPT_QUEUE_GET_CONFIG_REQUEST", T(QUEUE_GET_CONFIG_REQUEST), STD, 0, V11, V13, 0, 22, 0,
	 8, 0},
	{"OFPT_QUEUE_GET_CONFIG_REPLY", T(QUEUE_GET_CONFIG_REPLY), STD, 0, V10, V10, 21, 21, 0, 8,
	 8},
	{"OFPT_QUEUE_GET_CONFIG_REPLY", T(QUEUE_GET_CONFIG_REPLY), STD, 0, V11, V13, 0, 23, 0, 8,
	 8},
	{"OFPT_ROLE_REQUEST", T(ROLE_REQUEST), STD, 0, V12, V15, 0, 24, 0, 16, 0},
	{"OFPT_ROLE_REPLY", T(ROLE_REPLY), STD, 0, V12, V15, 0, 25, 0, 16, 0},
	{"NXT_ROLE_REQUEST", T(ROLE_REQUEST), VEN, 1, V10, V15, 0, 10, OFP_VENDOR_NX, 4, 0},
	{"NXT_ROLE_REPLY", T(ROLE_REPLY), VEN, 1, V10, V15, 0, 11, OFP_VENDOR_NX, 4, 0},
	{"OFPT_GET_ASYNC_REQUEST", T(GET_ASYNC_REQUEST), STD, 0, V13, V15, 0, 26, 0, 0, 0},
	{"OFPT_GET_ASYNC_REPLY", T(GET_ASYNC_REPLY), STD, 0, V13, V13, 0, 27, 0, 24, 0},
	{"OFPT_GET_ASYNC_REPLY", T(GET_ASYNC_REPLY), STD, 0, V14, V15, 0, 27, 0, 0, 8},
	{"OFPT_SET_ASYNC", T(SET_ASYNC_CONFIG), STD, 0, V13, V13, 0, 28, 0, 24, 0},
	{"OFPT_SET_ASYNC", T(SET_ASYNC_CONFIG), STD, 0, V14, V15, 0, 28, 0, 0, 8},
	{"NXT_SET_ASYNC_CONFIG", T(SET_ASYNC_CONFIG), VEN, 1, V10, V15, 0, 19, OFP_VENDOR_NX, 24,
	 0},
	{"NXT_SET_ASYNC_CONFIG2", T(SET_ASYNC_CONFIG), VEN, 1, V10, V13, 0, 27, OFP_VENDOR_NX, 0,
	 8},
	{"OFPT_METER_MOD", T(METER_MOD), STD, 0, V13, V15, 0, 29, 0, 8, 8},
	{"OFPT_ROLE_STATUS", T(ROLE_STATUS), STD, 0, V14, V15, 0, 30, 0, 16, 8},
	{"ONFT_ROLE_STATUS", T(ROLE_STATUS), VEN, 1, V13, V13, 0, 1911, OFP_VENDOR_ONF, 16, 8},
	{"OFPT_TABLE_STATUS", T(TABLE_STATUS), STD, 0, V14, V15, 0, 31, 0, 8, 8},
	{"OFPT_REQUESTFORWARD", T(REQUESTFORWARD), STD, 0, V14, V15, 0, 32, 0, 8, 8},
	{"ONFT_REQUESTFORWARD", T(REQUESTFORWARD), VEN, 1, V13, V13, 0, 2350, OFP_VENDOR_ONF, 8, 8},
	{"NXT_REQUESTFORWARD", T(REQUESTFORWARD), VEN, 1, V10, V12, 0, 132, OFP_VENDOR_NX, 8, 8},
	{"OFPT_BUNDLE_CONTROL", T(BUNDLE_CONTROL), STD, 0, V14, V15, 0, 33, 0, 8, 8},
	{"ONFT_BUNDLE_CONTROL", T(BUNDLE_CONTROL), VEN, 1, V13, V13, 0, 2300, OFP_VENDOR_ONF, 8, 8},
	{"OFPT_BUNDLE_ADD_MESSAGE", T(BUNDLE_ADD_MESSAGE), STD, 0, V14, V15, 0, 34, 0, 8, 1},
	{"ONFT_BUNDLE_ADD_MESSAGE", T(BUNDLE_ADD_MESSAGE), VEN, 1, V13, V13, 0, 2301,
	 OFP_VENDOR_ONF, 8, 1},
	{"OFPT_CONTROLLER_STATUS", T(CONTROLLER_STATUS), STD, 0, V15, V15, 0, 35, 0, 16, 8},

	{"OFPST_DESC", T(DESC_STATS_REQUEST), REQ, 0, V10, V15, 0, 0, 0, 0, 0},
	{"OFPST_DESC", T(DESC_STATS_REPLY), REP, 0, V10, V15, 0, 0, 0, 1056, 0},
	{"OFPST_FLOW", T(FLOW_STATS_REQUEST), REQ, 0, V10, V10, 0, 1, 0, 44, 0},
	{"OFPST_FLOW", T(FLOW_STATS_REQUEST), REQ, 0, V11, V15, 0, 1, 0, 32, 8},
	{"OFPST_FLOW", T(FLOW_STATS_REPLY), REP, 0, V10, V15, 0, 1, 0, 0, 1},
	{"OFPST_AGGREGATE", T(AGGREGATE_STATS_REQUEST), REQ, 0, V10, V10, 0, 2, 0, 44, 0},
	{"OFPST_AGGREGATE", T(AGGREGATE_STATS_REQUEST), REQ, 0, V11, V15, 0, 2, 0, 32, 8},
	{"OFPST_AGGREGATE", T(AGGREGATE_STATS_REPLY), REP, 0, V10, V14, 0, 2, 0, 24, 0},
	{"OFPST_AGGREGATE", T(AGGREGATE_STATS_REPLY), REP, 0, V15, V15, 0, 2, 0, 0, 1},
	{"OFPST_TABLE", T(TABLE_STATS_REQUEST), REQ, 0, V10, V15, 0, 3, 0, 0, 0},
	{"OFPST_TABLE", T(TABLE_STATS_REPLY), REP, 0, V10, V10, 0, 3, 0, 0, 64},
	{"OFPST_TABLE", T(TABLE_STATS_REPLY), REP, 0, V11, V11, 0, 3, 0, 0, 88},
	{"OFPST_TABLE", T(TABLE_STATS_REPLY), REP, 0, V12, V12, 0, 3, 0, 0, 128},
	{"OFPST_TABLE", T(TABLE_STATS_REPLY), REP, 0, V13, V15, 0, 3, 0, 0, 24},
	{"OFPST_PORT", T(PORT_STATS_REQUEST), REQ, 0, V10, V15, 0, 4, 0, 8, 0},
	{"OFPST_PORT", T(PORT_STATS_REPLY), REP, 0, V10, V12, 0, 4, 0, 0, 104},
	{"OFPST_PORT", T(PORT_STATS_REPLY), REP, 0, V13, V13, 0, 4, 0, 0, 112},
	{"OFPST_PORT", T(PORT_STATS_REPLY), REP, 0, V14, V15, 0, 4, 0, 0, 8},
	{"OFPST_QUEUE", T(QUEUE_STATS_REQUEST), REQ, 0, V10, V15, 0, 5, 0, 8, 0},
	{"OFPST_QUEUE", T(QUEUE_STATS_REPLY), REP, 0, V10, V12, 0, 5, 0, 0, 32},
	{"OFPST_QUEUE", T(QUEUE_STATS_REPLY), REP, 0, V13, V13, 0, 5, 0, 0, 40},
	{"OFPST_QUEUE", T(QUEUE_STATS_REPLY), REP, 0, V14, V15, 0, 5, 0, 0, 8},
	{"OFPST_GROUP", T(GROUP_STATS_REQUEST), REQ, 0, V11, V15, 0, 6, 0, 8, 0},
	{"OFPST_GROUP", T(GROUP_STATS_REPLY), REP, 0, V11, V15, 0, 6, 0, 0, 8},
	{"NXST_GROUP", T(GROUP_STATS_REQUEST), VREQ, 1, V10, V10, 0, 7, OFP_VENDOR_NX, 8, 0},
	{"NXST_GROUP", T(GROUP_STATS_REPLY), VREP, 1, V10, V10, 0, 7, OFP_VENDOR_NX, 0, 8},
	{"OFPST_GROUP_DESC", T(GROUP_DESC_STATS_REQUEST), REQ, 0, V11, V14, 0, 7, 0, 0, 0},
	{"OFPST_GROUP_DESC", T(GROUP_DESC_STATS_REQUEST), REQ, 0, V15, V15, 0, 7, 0, 8, 0},
	{"OFPST_GROUP_DESC", T(GROUP_DESC_STATS_REPLY), REP, 0, V11, V15, 0, 7, 0, 0, 8},
	{"NXST_GROUP_DESC", T(GROUP_DESC_STATS_REQUEST), VREQ, 1, V10, V10, 0, 8, OFP_VENDOR_NX, 8,
	 0},
	{"NXST_GROUP_DESC", T(GROUP_DESC_STATS_REPLY), VREP, 1, V10, V10, 0, 8, OFP_VENDOR_NX, 0,
	 8},
	{"OFPST_GROUP_FEATURES", T(GROUP_FEATURES_STATS_REQUEST), REQ, 0, V12, V15, 0, 8, 0, 0, 0},
	{"OFPST_GROUP_FEATURES", T(GROUP_FEATURES_STATS_REPLY), REP, 0, V12, V15, 0, 8, 0, 40, 0},
	{"NXST_GROUP_FEATURES", T(GROUP_FEATURES_STATS_REQUEST), VREQ, 1, V10, V11, 0, 9,
	 OFP_VENDOR_NX, 0, 0},
	{"NXST_GROUP_FEATURES", T(GROUP_FEATURES_STATS_REPLY), VREP, 1, V10, V11, 0, 9,
	 OFP_VENDOR_NX, 40, 0},
	{"OFPST_METER", T(METER_STATS_REQUEST), REQ, 0, V13, V15, 0, 9, 0, 8, 0},
	{"OFPST_METER", T(METER_STATS_REPLY), REP, 0, V13, V15, 0, 9, 0, 0, 8},
	{"OFPST_METER_CONFIG", T(METER_CONFIG_STATS_REQUEST), REQ, 0, V13, V15, 0, 10, 0, 8, 0},
	{"OFPST_METER_CONFIG", T(METER_CONFIG_STATS_REPLY), REP, 0, V13, V15, 0, 10, 0, 0, 8},
	{"OFPST_METER_FEATURES", T(METER_FEATURES_STATS_REQUEST), REQ, 0, V13, V15, 0, 11, 0, 0, 0},
	{"OFPST_METER_FEATURES", T(METER_FEATURES_STATS_REPLY), REP, 0, V13, V15, 0, 11, 0, 16, 0},
	{"OFPST_TABLE_FEATURES", T(TABLE_FEATURES_STATS_REQUEST), REQ, 0, V13, V15, 0, 12, 0, 0, 8},
	{"OFPST_TABLE_FEATURES", T(TABLE_FEATURES_STATS_REPLY), REP, 0, V13, V15, 0, 12, 0, 64, 8},
	{"OFPST_PORT_DESC", T(PORT_DESC_STATS_REQUEST), REQ, 0, V10, V14, 0, 13, 0, 0, 0},
	{"OFPST_PORT_DESC", T(PORT_DESC_STATS_REQUEST), REQ, 0, V15, V15, 0, 13, 0, 8, 0},
	{"OFPST_PORT_DESC", T(PORT_DESC_STATS_REPLY), REP, 0, V10, V10, 0, 13, 0, 0, 48},
	{"OFPST_PORT_DESC", T(PORT_DESC_STATS_REPLY), REP, 0, V11, V13, 0, 13, 0, 0, 64},
	{"OFPST_PORT_DESC", T(PORT_DESC_STATS_REPLY), REP, 0, V14, V15, 0, 13, 0, 0, 8},
	{"OFPST_TABLE_DESC", T(TABLE_DESC_REQUEST), REQ, 0, V14, V15, 0, 14, 0, 0, 0},
	{"OFPST_TABLE_DESC", T(TABLE_DESC_REPLY), REP, 0, V14, V15, 0, 14, 0, 8, 8},
	{"OFPST_QUEUE_DESC", T(QUEUE_DESC_REQUEST), REQ, 0, V14, V15, 0, 15, 0, 8, 0},
	{"OFPST_QUEUE_DESC", T(QUEUE_DESC_REPLY), REP, 0, V14, V15, 0, 15, 0, 0, 8},
	{"OFPST_FLOW_MONITOR", T(FLOW_MONITOR_STATS_REQUEST), REQ, 0, V14, V15, 0, 16, 0, 0, 8},
	{"OFPST_FLOW_MONITOR", T(FLOW_MONITOR_STATS_REPLY), REP, 0, V14, V15, 0, 16, 0, 0, 8},
	{"OFPST_FLOW_STATS", T(FLOW_COUNTERS_REQUEST), REQ, 0, V15, V15, 0, 17, 0, 32, 8},
	{"OFPST_FLOW_STATS", T(FLOW_COUNTERS_REPLY), REP, 0, V15, V15, 0, 17, 0, 0, 8},
	{"OFPST_CONTROLLER_STATUS", T(CONTROLLER_STATUS_REQUEST), REQ, 0, V15, V15, 0, 18, 0, 0, 0},
	{"OFPST_CONTROLLER_STATUS", T(CONTROLLER_STATUS_REPLY), REP, 0, V15, V15, 0, 18, 0, 0, 8},
	{"OFPST_BUNDLE_FEATURES", T(BUNDLE_FEATURES_REQUEST), REQ, 0, V15, V15, 0, 19, 0, 8, 8},
	{"OFPST_BUNDLE_FEATURES", T(BUNDLE_FEATURES_REPLY), REP, 0, V15, V15, 0, 19, 0, 8, 8},

	{"NXST_FLOW", T(FLOW_STATS_REQUEST), VREQ, 1, V10, V10, 0, 0, OFP_VENDOR_NX, 8, 8},
	{"NXST_FLOW", T(FLOW_STATS_REPLY), VREP, 1, V10, V10, 0, 0, OFP_VENDOR_NX, 0, 1},
	{"NXST_AGGREGATE", T(AGGREGATE_STATS_REQUEST), VREQ, 1, V10, V10, 0, 1, OFP_VENDOR_NX, 8,
	 8},
	{"NXST_AGGREGATE", T(AGGREGATE_STATS_REPLY), VREP, 1, V10, V10, 0, 1, OFP_VENDOR_NX, 24, 0},
	{"NXST_FLOW_MONITOR", T(FLOW_MONITOR_STATS_REQUEST), VREQ, 1, V10, V12, 0, 2, OFP_VENDOR_NX,
	 0, 8},
	{"NXST_FLOW_MONITOR", T(FLOW_MONITOR_STATS_REPLY), VREP, 1, V10, V12, 0, 2, OFP_VENDOR_NX,
	 0, 8},
	{"ONFST_FLOW_MONITOR", T(FLOW_MONITOR_STATS_REQUEST), VREQ, 1, V13, V13, 0, 1870,
	 OFP_VENDOR_ONF, 0, 8},
	{"ONFST_FLOW_MONITOR", T(FLOW_MONITOR_STATS_REPLY), VREP, 1, V13, V13, 0, 1870,
	 OFP_VENDOR_ONF, 0, 8},
	{"NXST_IPFIX_BRIDGE", T(IPFIX_BRIDGE_STATS_REQUEST), VREQ, 1, V10, V15, 0, 3, OFP_VENDOR_NX,
	 0, 0},
	{"NXST_IPFIX_BRIDGE", T(IPFIX_BRIDGE_STATS_REPLY), VREP, 1, V10, V15, 0, 3, OFP_VENDOR_NX,
	 88, 0},
	{"NXST_IPFIX_FLOW", T(IPFIX_FLOW_STATS_REQUEST), VREQ, 1, V10, V15, 0, 4, OFP_VENDOR_NX, 0,
	 0},
	{"NXST_IPFIX_FLOW", T(IPFIX_FLOW_STATS_REPLY), VREP, 1, V10, V15, 0, 4, OFP_VENDOR_NX, 0,
	 88},

	{"NXT_SET_FLOW_FORMAT", T(SET_FLOW_FORMAT), VEN, 1, V10, V10, 0, 12, OFP_VENDOR_NX, 4, 0},
	{"NXT_FLOW_MOD_TABLE_ID", T(FLOW_MOD_TABLE_ID), VEN, 1, V10, V15, 0, 15, OFP_VENDOR_NX, 8,
	 0},
	{"NXT_SET_PACKET_IN_FORMAT", T(SET_PACKET_IN_FORMAT), VEN, 1, V10, V15, 0, 16,
	 OFP_VENDOR_NX, 4, 0},
	{"NXT_FLOW_AGE", T(FLOW_AGE), VEN, 1, V10, V15, 0, 18, OFP_VENDOR_NX, 0, 0},
	{"NXT_SET_CONTROLLER_ID", T(SET_CONTROLLER_ID), VEN, 1, V10, V15, 0, 20, OFP_VENDOR_NX, 8,
	 0},
	{"NXT_FLOW_MONITOR_CANCEL", T(FLOW_MONITOR_CANCEL), VEN, 1, V10, V12, 0, 21, OFP_VENDOR_NX,
	 4, 0},
	{"NXT_FLOW_MONITOR_PAUSED", T(FLOW_MONITOR_PAUSED), VEN, 1, V10, V12, 0, 22, OFP_VENDOR_NX,
	 0, 0},
	{"NXT_FLOW_MONITOR_RESUMED", T(FLOW_MONITOR_RESUMED), VEN, 1, V10, V12, 0, 23,
	 OFP_VENDOR_NX, 0, 0},
	{"ONFT_FLOW_MONITOR_CANCEL", T(FLOW_MONITOR_CANCEL), VEN, 1, V13, V13, 0, 1870,
	 OFP_VENDOR_ONF, 4, 0},
	{"ONFT_FLOW_MONITOR_PAUSED", T(FLOW_MONITOR_PAUSED), VEN, 1, V13, V13, 0, 1871,
	 OFP_VENDOR_ONF, 0, 0},
	{"ONFT_FLOW_MONITOR_RESUMED", T(FLOW_MONITOR_RESUMED), VEN, 1, V13, V13, 0, 1872,
	 OFP_VENDOR_ONF, 0, 0},
	{"NXT_TLV_TABLE_MOD", T(TLV_TABLE_MOD), VEN, 1, V10, V15, 0, 24, OFP_VENDOR_NX, 8, 8},
	{"NXT_TLV_TABLE_REQUEST", T(TLV_TABLE_REQUEST), VEN, 1, V10, V15, 0, 25, OFP_VENDOR_NX, 0,
	 0},
	{"NXT_TLV_TABLE_REPLY", T(TLV_TABLE_REPLY), VEN, 1, V10, V15, 0, 26, OFP_VENDOR_NX, 16, 8},
	{"NXT_RESUME", T(RESUME), VEN, 1, V10, V15, 0, 28, OFP_VENDOR_NX, 0, 8},
	{"NXT_CT_FLUSH_ZONE", T(CT_FLUSH_ZONE), VEN, 1, V10, V15, 0, 29, OFP_VENDOR_NX, 8, 0},
	{"NXT_CT_FLUSH", T(CT_FLUSH), VEN, 1, V10, V15, 0, 32, OFP_VENDOR_NX, 8, 8},
};
#undef T
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };
_Static_assert(N_ROWS < 256, "ofp_msg.raw is a byte");

static uint8_t stats_wire_type(const struct row *row, uint8_t version)
{
	bool request = row->kind == REQ || row->kind == VREQ;
	return (version == OFP10 ? 16 : 18) + (request ? 0 : 1);
}

// What tells messages apart, read from the bytes.
struct wire_id {
	enum kind kind;
	uint16_t wire;
	uint32_t vendor;
};

enum { VENDOR_MSG = 4, STATS_VENDOR = 0xffff };
enum { ANY_VERSION = 3 }; // and below: hello, error, echo request and reply

static int read_id(struct ofp_msg *m, uint8_t wire_type, struct wire_id *id)
{
	bool v10 = m->version == OFP10;
	uint8_t request = v10 ? 16 : 18;
	if (wire_type == VENDOR_MSG) {
		uint32_t vendor = cursor_be32(&m->body);
		uint32_t subtype = cursor_be32(&m->body);
		*id = (struct wire_id){VEN, (uint16_t)subtype, vendor};
		if (m->body.bad)
			return OFPBRC_BAD_LEN;
		if (vendor != OFP_VENDOR_NX && vendor != OFP_VENDOR_ONF)
			return OFPBRC_BAD_VENDOR;
		return subtype > UINT16_MAX ? OFPBRC_BAD_SUBTYPE : 0;
	}
	if ((wire_type != request && wire_type != request + 1) || m->version > OFP15 ||
	    m->version < OFP10) {
		*id = (struct wire_id){STD, wire_type, 0};
		return 0;
	}
	bool reply = wire_type != request;
	uint16_t stat = cursor_be16(&m->body);
	m->mp_flags = cursor_be16(&m->body);
	if (!v10)
		cursor_skip(&m->body, 4);
	if (m->body.bad)
		return OFPBRC_BAD_LEN;
	*id = (struct wire_id){reply ? REP : REQ, stat, 0};
	if (stat != STATS_VENDOR)
		return 0;
	uint32_t vendor = cursor_be32(&m->body);
	if (v10 && !m->body.bad &&
	    vendor != OFP_VENDOR_NX) // in 1.0 what follows is the vendor's to define
		return OFPBRC_BAD_VENDOR;
	uint32_t subtype = cursor_be32(&m->body);
	if (v10)
		cursor_skip(&m->body, 4);
	if (m->body.bad)
		return OFPBRC_BAD_LEN;
	if (vendor != OFP_VENDOR_NX && vendor != OFP_VENDOR_ONF)
		return OFPBRC_BAD_VENDOR;
	*id = (struct wire_id){reply ? VREP : VREQ, (uint16_t)subtype, vendor};
	return subtype > UINT16_MAX ? OFPBRC_BAD_SUBTYPE : 0;
}

static bool row_has_id(const struct row *row, uint8_t version, const struct wire_id *id)
{
	uint16_t wire = row->kind == STD && version == OFP10 ? row->wire10 : row->wire;
	return row->kind == id->kind && wire == id->wire && row->vendor == id->vendor &&
	       version >= row->v_min && version <= row->v_max;
}

static int unknown(enum kind kind)
{
	switch (kind) {
	case STD:
		return OFPBRC_BAD_TYPE;
	case REQ:
	case REP:
		return OFPBRC_BAD_STAT;
	case VEN:
	case VREQ:
	case VREP:
		break;
	}
	return OFPBRC_BAD_SUBTYPE;
}

int ofp_msg_identify(const void *msg, size_t n, struct ofp_msg *m)
{
	*m = (struct ofp_msg){.data = msg, .len = n, .body = cursor_make(msg, n)};
	m->version = cursor_u8(&m->body);
	uint8_t wire_type = cursor_u8(&m->body);
	cursor_skip(&m->body, 2);
	m->xid = cursor_be32(&m->body);
	if (m->body.bad)
		return OFPBRC_BAD_LEN;
	struct wire_id id;
	int error = read_id(m, wire_type, &id);
	if (error)
		return error;
	// Hellos, errors and echoes are understood whatever their version.
	uint8_t version = m->version;
	if (version > OFP15 && wire_type <= ANY_VERSION)
		version = OFP15;
	bool found = false;
	for (unsigned int i = 0; i < N_ROWS; i++) {
		const struct row *row = &rows[i];
		if (!row_has_id(row, version, &id))
			continue;
		m->raw = (uint8_t)i;
		m->type = row->type;
		m->nx = row->nx;
		found = true;
		break;
	}
	return found ? 0 : unknown(id.kind);
}

int ofp_msg_decode(const void *msg, size_t n, struct ofp_msg *m)
{
	int error = ofp_msg_identify(msg, n, m);
	if (n >= sizeof(struct ofp_header) && ofp_length(msg) != n)
		return OFPBRC_BAD_LEN;
	if (error)
		return error;
	const struct row *row = &rows[m->raw];
	size_t left = cursor_left(&m->body);
	if (left < row->min || (row->step ? (left - row->min) % row->step : left != row->min))
		return OFPBRC_BAD_LEN;
	return 0;
}

const char *ofp_msg_name(const struct ofp_msg *m)
{
	return rows[m->raw].name;
}

bool ofp_msg_is_stats_request(const struct ofp_msg *m)
{
	return rows[m->raw].kind == REQ || rows[m->raw].kind == VREQ;
}

bool ofp_msg_is_stats_reply(const struct ofp_msg *m)
{
	return rows[m->raw].kind == REP || rows[m->raw].kind == VREP;
}

static const struct row *find_row(enum ofptype type, bool nx, uint8_t version)
{
	for (unsigned int i = 0; i < N_ROWS; i++)
		if (rows[i].type == type && rows[i].nx == nx && version >= rows[i].v_min &&
		    version <= rows[i].v_max)
			return &rows[i];
	return NULL;
}

bool ofptype_exists(enum ofptype type, bool nx, uint8_t version)
{
	return find_row(type, nx, version) != NULL;
}

static size_t begin(struct buf *b, const struct row *row, uint8_t version, uint32_t xid)
{
	size_t at = b->len;
	bool stats = row->kind != STD && row->kind != VEN;
	uint8_t wire_type = stats	       ? stats_wire_type(row, version)
			    : row->kind == VEN ? VENDOR_MSG
			    : version == OFP10 ? row->wire10
					       : (uint8_t)row->wire;
	buf_add_u8(b, version);
	buf_add_u8(b, wire_type);
	buf_add_be16(b, 0);
	buf_add_be32(b, xid);
	if (stats) {
		buf_add_be16(b, row->vendor ? STATS_VENDOR : row->wire);
		buf_add_be16(b, 0);
		if (version != OFP10)
			buf_add_be32(b, 0);
	}
	if (row->vendor) {
		buf_add_be32(b, row->vendor);
		buf_add_be32(b, row->wire);
		if (stats && version == OFP10)
			buf_add_be32(b, 0);
	}
	return at;
}

size_t ofp_begin(struct buf *b, enum ofptype type, bool nx, uint8_t version, uint32_t xid)
{
	const struct row *row = find_row(type, nx, version);
	assert(row);
	return begin(b, row, version, xid);
}

size_t ofp_begin_subtype(struct buf *b, uint16_t nx_subtype, uint8_t version, uint32_t xid)
{
	for (unsigned int i = 0; i < N_ROWS; i++)
		if (rows[i].kind == VEN && rows[i].vendor == OFP_VENDOR_NX &&
		    rows[i].wire == nx_subtype)
			return begin(b, &rows[i], version, xid);
	assert(!"no such message");
	return 0;
}

bool ofp_end(struct buf *b, size_t begin_at)
{
	size_t n = b->len - begin_at;
	if (n > OFP_MAX_LEN) {
		b->len = begin_at;
		return false;
	}
	put_be16(b->data + begin_at + 2, (uint16_t)n);
	return true;
}

void ofp_encode_simple(struct buf *b, enum ofptype type, uint8_t version, uint32_t xid)
{
	bool nx = !ofptype_exists(type, false, version);
	ofp_end(b, ofp_begin(b, type, nx, version, xid));
}

size_t ofp_begin_reply(struct buf *b, const struct ofp_msg *request)
{
	// The table has the reply right after the request.
	return ofp_begin(b, request->type + 1, request->nx, request->version, request->xid);
}

void ofp_replies_init(struct ofp_replies *r, const struct ofp_msg *request)
{
	*r = (struct ofp_replies){0};
	r->begin = ofp_begin_reply(&r->buf, request);
	r->head = r->buf.len - r->begin;
	r->entry = r->buf.len;
}

void ofp_replies_begin_entry(struct ofp_replies *r)
{
	r->entry = r->buf.len;
}

void ofp_replies_end_entry(struct ofp_replies *r)
{
	if (r->buf.len - r->begin <= OFP_MAX_LEN)
		return;
	// The entry moves behind a copy of the headers: a new message begins.
	size_t entry_len = r->buf.len - r->entry;
	uint8_t head[32];
	assert(r->head <= sizeof(head));
	if (r->head + entry_len > OFP_MAX_LEN) {
		r->buf.len = r->entry;
		return;
	}
	memcpy(head, r->buf.data + r->begin, r->head);
	uint8_t *flags = r->buf.data + r->begin + 10;
	put_be16(flags, get_be16(flags) | OFPMPF_MORE);
	put_be16(r->buf.data + r->begin + 2, (uint16_t)(r->entry - r->begin));
	buf_add_zeros(&r->buf, r->head);
	uint8_t *entry = r->buf.data + r->entry;
	memmove(entry + r->head, entry, entry_len);
	memcpy(entry, head, r->head);
	r->begin = r->entry;
	r->entry = r->buf.len;
}

void ofp_replies_finish(struct ofp_replies *r)
{
	ofp_end(&r->buf, r->begin);
	r->begin = r->buf.len;
}

void ofp_replies_taken(struct ofp_replies *r, size_t n)
{
	assert(n <= r->begin);
	buf_consume(&r->buf, n);
	r->begin -= n;
	r->entry -= n;
}

void ofp_replies_done(struct ofp_replies *r)
{
	buf_done(&r->buf);
}
