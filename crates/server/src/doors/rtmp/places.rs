//! How many connections there may be.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections that neither publish nor play yet, of all addresses. Honest ones are
/// through in a second, so these are as many newcomers a second.
const MAX_HALF_OPEN: usize = 2048;

/// The same of one address: a house full of players behind one router that all come
/// back at once.
const MAX_HALF_OPEN_PER_ADDRESS: usize = 128;

/// Counts connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct Places {
    counts: Arc<Mutex<Counts>>,
    most: usize,
}

#[derive(Default)]
struct Counts {
    all: usize,
    half_open: usize,
    /// Half-open ones by address.
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's place, given back when dropped.
pub(super) struct Place {
    places: Places,
    address: IpAddr,
    half_open: bool,
}

impl Places {
    /// For so many connections.
    pub(super) fn new(most: usize) -> Self {
        Self {
            counts: Arc::default(),
            most,
        }
    }

    /// A place for a connection that is half open; `None` where there is none.
    pub(super) fn take(&self, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let mut counts = self.lock();
        let here = counts.by_address.get(&address).copied().unwrap_or(0);
        let full = counts.all >= self.most
            || counts.half_open >= MAX_HALF_OPEN
            || here >= MAX_HALF_OPEN_PER_ADDRESS;
        if full {
            return None;
        }
        counts.all += 1;
        counts.half_open += 1;
        *counts.by_address.entry(address).or_default() += 1;
        drop(counts);
        Some(Place {
            places: self.clone(),
            address,
            half_open: true,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The connection publishes or plays.
    pub(super) fn opened(&mut self) {
        if std::mem::take(&mut self.half_open) {
            self.places.lock().leave_half_open(self.address);
        }
    }
}

impl Counts {
    fn leave_half_open(&mut self, address: IpAddr) {
        self.half_open = self.half_open.saturating_sub(1);
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.places.lock();
        counts.all = counts.all.saturating_sub(1);
        if self.half_open {
            counts.leave_half_open(self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_open_ones_are_bounded_by_address_and_give_way_when_opened() {
        let places = Places::new(1000);
        let ip = IpAddr::from([192, 0, 2, 1]);
        let mut held: Vec<Place> = (0..MAX_HALF_OPEN_PER_ADDRESS)
            .map(|_| places.take(ip).expect("a place"))
            .collect();
        assert!(places.take(ip).is_none());
        assert!(places.take(IpAddr::from([192, 0, 2, 2])).is_some());
        held[0].opened();
        let again = places.take(ip);
        assert!(again.is_some());
        drop((again, held));
        assert_eq!(places.lock().all, 0);
        assert!(places.lock().by_address.is_empty());
    }

    #[test]
    fn there_are_no_more_than_was_said() {
        let places = Places::new(1);
        let mut one = places.take(IpAddr::from([192, 0, 2, 1])).expect("a place");
        one.opened();
        assert!(places.take(IpAddr::from([192, 0, 2, 2])).is_none());
    }
}
