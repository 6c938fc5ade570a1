//! How the box is on the network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use ts_rs::TS;

/// The default is what a box from the factory does: every wired port asks the network for an address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkSettings {
    pub revision: u32,
    /// Names of the wired ports that are used. Empty: all of them, each by itself.
    pub ports: Vec<String>,
    /// Ties the ports, two or more, into one.
    pub bond: Option<BondMode>,
    /// VLAN identifier (IEEE 802.1Q), from 1 to 4094.
    pub vlan: Option<u16>,
    pub ipv4: Ipv4Settings,
    pub ipv6: Ipv6Settings,
    /// Up to 4 DNS servers. Empty: those that the network names.
    #[ts(type = "string[]")]
    pub dns: Vec<IpAddr>,
    /// Up to 4 domains in which short names are looked for.
    pub domains: Vec<String>,
    /// Up to 2 addresses that a router translates into the box's own, with the media port unchanged: participants
    /// are told them too.
    #[ts(type = "string[]")]
    pub public_addresses: Vec<IpAddr>,
    /// `http://HOST:PORT` of the proxy for what the box asks of others by HTTPS: updates and certificates. Empty: none.
    pub proxy: String,
    /// Up to 8 hosts, or domains with all their hosts, that are reached without it.
    pub proxy_except: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum BondMode {
    /// One port works, the others wait: for any switch.
    ActiveBackup,
    /// LACP (IEEE 802.1AX), which the switch has to speak too.
    Lacp,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Ipv4Settings {
    #[default]
    Dhcp,
    Static {
        #[ts(type = "string")]
        address: Ipv4Addr,
        /// Bits of the network's prefix, from 1 to 32.
        prefix: u8,
        #[ts(type = "string | null")]
        gateway: Option<Ipv4Addr>,
    },
    Off,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Ipv6Settings {
    /// By router advertisements (RFC 4862) and DHCPv6.
    #[default]
    Automatic,
    Static {
        #[ts(type = "string")]
        address: Ipv6Addr,
        /// From 1 to 128.
        prefix: u8,
        #[ts(type = "string | null")]
        gateway: Option<Ipv6Addr>,
    },
    Off,
}

/// The settings apply already. They are taken back unless somebody confirms who reaches the box by them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct NetworkTrial {
    pub settings: NetworkSettings,
    pub seconds_left: u32,
    /// For [`ConfirmNetwork`]: a browser has no session at the new address.
    pub token: String,
    /// Where the box is then, if the settings say it.
    #[ts(type = "string[]")]
    pub addresses: Vec<IpAddr>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct ConfirmNetwork {
    /// Empty: whoever is signed in as an administrator, or does the set-up, confirms it.
    pub token: String,
}

/// The network as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct NetworkState {
    pub ports: Vec<Port>,
    /// Under which others reach the box.
    #[ts(type = "string[]")]
    pub addresses: Vec<IpAddr>,
    /// Of settings that wait to be confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u32>,
    /// `false` on a machine that is no appliance: its network is left alone.
    pub applies: bool,
    /// Why the settings could not be applied, in plain words; empty if they were.
    pub problem: String,
    /// Of a restored backup, until the step of the set-up for it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proposed: Option<NetworkSettings>,
}

/// A wired port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct Port {
    pub name: String,
    /// Six bytes in hexadecimal digits.
    pub mac: String,
    /// Whether something is plugged in at the other end.
    pub carrier: bool,
    /// Mbit/s, where the driver knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<u32>,
}
