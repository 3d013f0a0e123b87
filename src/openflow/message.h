/* SPDX-License-Identifier: Apache-2.0 */
// All messages of OpenFlow, for who speaks all of it.
#pragma once
#include "openflow/bundle.h"
#include "openflow/error.h"
#include "openflow/flow_mod.h"
#include "openflow/flow_monitor.h"
#include "openflow/group.h"
#include "openflow/header.h"
#include "openflow/meter.h"
#include "openflow/multipart.h"
#include "openflow/nx_ext.h"
#include "openflow/packet_io.h"
#include "openflow/port.h"
#include "openflow/protocol.h"
#include "openflow/queue_config.h"
#include "openflow/session.h"
#include "openflow/table.h"
#include "openflow/table_mod.h"
