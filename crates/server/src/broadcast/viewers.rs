//! Who watches by doors that are not WebRTC: counted by session, and bounded.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Protocol, Refusal};

/// Counts. Cheap to clone.
#[derive(Clone, Default)]
pub struct Viewers(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    by_room: HashMap<String, HashMap<Protocol, usize>>,
    by_address: HashMap<IpAddr, usize>,
}

/// How many there may be; 0: any number.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    /// In one room.
    pub room: usize,
    /// From one address.
    pub address: usize,
}

/// A viewer that is counted as long as this is there.
pub struct Viewer {
    viewers: Viewers,
    room: String,
    protocol: Protocol,
    address: IpAddr,
}

impl Viewers {
    pub(super) fn enter(
        &self,
        room: &str,
        (protocol, from): (Protocol, SocketAddr),
        limits: Limits,
    ) -> Result<Viewer, Refusal> {
        let address = from.ip().to_canonical();
        let mut counts = self.lock();
        let here = counts.by_room.get(room).map_or(0, |by| by.values().sum());
        let same = counts.by_address.get(&address).copied().unwrap_or(0);
        if limits.room > 0 && here >= limits.room {
            return Err(Refusal::Full(
                "this room has as many viewers as it may have",
            ));
        }
        if limits.address > 0 && same >= limits.address {
            return Err(Refusal::Full(
                "your address has as many viewers as it may have",
            ));
        }
        let by = counts.by_room.entry(room.to_owned()).or_default();
        *by.entry(protocol).or_default() += 1;
        *counts.by_address.entry(address).or_default() += 1;
        drop(counts);
        Ok(Viewer {
            viewers: self.clone(),
            room: room.to_owned(),
            protocol,
            address,
        })
    }

    /// Viewers of a room.
    pub fn of(&self, room: &str) -> usize {
        let counts = self.lock();
        counts.by_room.get(room).map_or(0, |by| by.values().sum())
    }

    /// Viewers of all rooms, by protocol.
    pub fn by_protocol(&self) -> HashMap<Protocol, usize> {
        let mut all = HashMap::new();
        for by in self.lock().by_room.values() {
            for (protocol, count) in by {
                *all.entry(*protocol).or_default() += count;
            }
        }
        all
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let mut counts = self.viewers.lock();
        if let Some(by) = counts.by_room.get_mut(&self.room) {
            if let Some(count) = by.get_mut(&self.protocol) {
                *count -= 1;
                if *count == 0 {
                    by.remove(&self.protocol);
                }
            }
            if by.is_empty() {
                counts.by_room.remove(&self.room);
            }
        }
        if let Some(count) = counts.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(last: u8) -> (Protocol, SocketAddr) {
        (Protocol::Flv, SocketAddr::from(([10, 0, 0, last], 1000)))
    }

    #[test]
    fn viewers_are_counted_while_they_are_there() {
        let viewers = Viewers::default();
        let limits = Limits::default();
        let one = viewers.enter("a", from(1), limits).unwrap();
        let two = viewers.enter("a", from(1), limits).unwrap();
        let other = viewers.enter("b", from(2), limits).unwrap();
        assert_eq!((viewers.of("a"), viewers.of("b")), (2, 1));
        assert_eq!(viewers.by_protocol()[&Protocol::Flv], 3);
        drop((one, two, other));
        assert_eq!(viewers.of("a"), 0);
        assert!(viewers.lock().by_room.is_empty() && viewers.lock().by_address.is_empty());
    }

    #[test]
    fn limits_hold_per_room_and_per_address() {
        let viewers = Viewers::default();
        let limits = Limits {
            room: 2,
            address: 1,
        };
        let _one = viewers.enter("a", from(1), limits).unwrap();
        assert!(viewers.enter("b", from(1), limits).is_err(), "same address");
        let mapped = SocketAddr::from((std::net::Ipv4Addr::new(10, 0, 0, 1).to_ipv6_mapped(), 1));
        assert!(viewers.enter("b", (Protocol::Hls, mapped), limits).is_err());
        let _two = viewers.enter("a", from(2), limits).unwrap();
        assert!(viewers.enter("a", from(3), limits).is_err(), "room full");
    }
}
