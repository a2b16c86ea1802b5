//! Which connection does a datagram belong to?
//!
//! By remote address, in one look-up. An address becomes known when a
//! connection answers a STUN check from it, that is after the engine verified
//! the message integrity; the check itself finds its connection by the user
//! fragment in its USERNAME (RFC 8445 §7.2.2).

use std::collections::HashMap;
use std::net::SocketAddr;

use str0m::ice::StunMessage;
use str0m::net::{Protocol, Transmit};

use crate::peer::{Peer, Slot};

/// Addresses per connection: a client moves between networks and keeps a few
/// candidates alive on each. The oldest goes.
const MAX_ADDRESSES: usize = 16;

/// ICE restarts per connection that are remembered.
const MAX_UFRAGS: usize = 4;

#[derive(Debug, Default)]
pub(crate) struct Demux {
    by_address: HashMap<(Protocol, SocketAddr), Slot>,
    by_ufrag: HashMap<String, Slot>,
}

impl Demux {
    /// The connection for a datagram from this address.
    pub(crate) fn find(&self, proto: Protocol, from: SocketAddr, datagram: &[u8]) -> Option<Slot> {
        if is_stun(datagram)
            && let Some(slot) = self.by_ufrag(datagram)
        {
            return Some(slot);
        }
        self.by_address.get(&(proto, from)).copied()
    }

    fn by_ufrag(&self, datagram: &[u8]) -> Option<Slot> {
        let message = StunMessage::parse(datagram).ok()?;
        let (local, _remote) = message.split_username()?;
        self.by_ufrag.get(local).copied()
    }

    /// The connection sends there: replies from there are for it.
    pub(crate) fn learn(&mut self, slot: Slot, peer: &mut Peer, sent: &Transmit) {
        let key = (sent.proto, sent.destination);
        match self.by_address.get(&key) {
            Some(known) if *known == slot => return,
            // Only an answer to a verified check moves an address.
            Some(_) if !is_stun_success(&sent.contents) => return,
            _ => {}
        }
        self.by_address.insert(key, slot);
        peer.addresses.push(key);
        if peer.addresses.len() > MAX_ADDRESSES {
            let oldest = peer.addresses.remove(0);
            self.forget_address(slot, oldest);
        }
    }

    /// The connection's present user fragment addresses it.
    pub(crate) fn learn_ufrag(&mut self, slot: Slot, peer: &mut Peer) {
        let ufrag = peer.rtc.direct_api().local_ice_credentials().ufrag;
        if peer.ufrags.contains(&ufrag) {
            return;
        }
        self.by_ufrag.insert(ufrag.clone(), slot);
        peer.ufrags.push(ufrag);
        if peer.ufrags.len() > MAX_UFRAGS {
            let oldest = peer.ufrags.remove(0);
            self.by_ufrag.remove(&oldest);
        }
    }

    pub(crate) fn forget(&mut self, slot: Slot, peer: &Peer) {
        for key in &peer.addresses {
            self.forget_address(slot, *key);
        }
        for ufrag in &peer.ufrags {
            self.by_ufrag.remove(ufrag);
        }
    }

    fn forget_address(&mut self, slot: Slot, key: (Protocol, SocketAddr)) {
        if self.by_address.get(&key) == Some(&slot) {
            self.by_address.remove(&key);
        }
    }
}

/// RTP, not RTCP: told apart by the payload type (RFC 5761 §4).
pub(crate) fn is_rtp(datagram: &[u8]) -> bool {
    matches!(datagram, [128..=191, second, ..] if !(192..=223).contains(second))
}

/// First byte 0 to 3 (RFC 7983 §7).
fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|b| *b < 4)
}

/// Binding success response, 0x0101 (RFC 8489 §5).
fn is_stun_success(datagram: &[u8]) -> bool {
    datagram.starts_with(&[0x01, 0x01])
}
