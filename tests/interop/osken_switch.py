# SPDX-License-Identifier: Apache-2.0
"""A learning switch on os-ken, for any OpenFlow version: OFP_VERSION in the environment is "1.0", "1.3", "1.4" or "1.5"."""
import os

from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import CONFIG_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.lib.packet import ethernet, packet
from os_ken.ofproto import ofproto_v1_0, ofproto_v1_3, ofproto_v1_4, ofproto_v1_5

VERSIONS = {"1.0": ofproto_v1_0, "1.3": ofproto_v1_3, "1.4": ofproto_v1_4, "1.5": ofproto_v1_5}


class LearningSwitch(app_manager.OSKenApp):
    OFP_VERSIONS = [VERSIONS[os.environ["OFP_VERSION"]].OFP_VERSION]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.ports = {}

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)
    def on_features(self, event):
        dp = event.msg.datapath
        ofp, parser = dp.ofproto, dp.ofproto_parser
        print(f"CONNECTED {dp.id:016x} version {ofp.OFP_VERSION}", flush=True)
        if ofp.OFP_VERSION > 1:
            actions = [parser.OFPActionOutput(ofp.OFPP_CONTROLLER, ofp.OFPCML_NO_BUFFER)]
            self.add(dp, 0, parser.OFPMatch(), actions)

    def add(self, dp, priority, match, actions):
        ofp, parser = dp.ofproto, dp.ofproto_parser
        if ofp.OFP_VERSION == 1:
            mod = parser.OFPFlowMod(datapath=dp, match=match, cookie=0, command=ofp.OFPFC_ADD, priority=priority, actions=actions,
                                    flags=ofp.OFPFF_SEND_FLOW_REM)
        else:
            inst = [parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, actions)]
            mod = parser.OFPFlowMod(datapath=dp, priority=priority, match=match, instructions=inst, flags=ofp.OFPFF_SEND_FLOW_REM)
        dp.send_msg(mod)

    @set_ev_cls(ofp_event.EventOFPFlowRemoved, MAIN_DISPATCHER)
    def on_removed(self, event):
        print(f"REMOVED priority {event.msg.priority} reason {event.msg.reason}", flush=True)

    @set_ev_cls(ofp_event.EventOFPErrorMsg, MAIN_DISPATCHER)
    def on_error(self, event):
        print(f"ERROR {event.msg.type} {event.msg.code}", flush=True)

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def on_packet_in(self, event):
        msg = event.msg
        dp = msg.datapath
        ofp, parser = dp.ofproto, dp.ofproto_parser
        in_port = msg.in_port if ofp.OFP_VERSION == 1 else msg.match["in_port"]
        eth = packet.Packet(msg.data).get_protocols(ethernet.ethernet)[0]
        table = self.ports.setdefault(dp.id, {})
        table[eth.src] = in_port
        out = table.get(eth.dst, ofp.OFPP_FLOOD)
        actions = [parser.OFPActionOutput(out)]
        if out != ofp.OFPP_FLOOD:
            if ofp.OFP_VERSION == 1:
                from os_ken.lib.mac import haddr_to_bin
                match = parser.OFPMatch(in_port=in_port, dl_src=haddr_to_bin(eth.src), dl_dst=haddr_to_bin(eth.dst))
            else:
                match = parser.OFPMatch(in_port=in_port, eth_src=eth.src, eth_dst=eth.dst)
            self.add(dp, 10, match, actions)
        data = msg.data if msg.buffer_id == ofp.OFP_NO_BUFFER else None
        if ofp.OFP_VERSION == ofproto_v1_5.OFP_VERSION:
            po = parser.OFPPacketOut(datapath=dp, buffer_id=msg.buffer_id, match=parser.OFPMatch(in_port=in_port), actions=actions,
                                     data=data)
        else:
            po = parser.OFPPacketOut(datapath=dp, buffer_id=msg.buffer_id, in_port=in_port, actions=actions, data=data)
        dp.send_msg(po)
