//! The simulator's kernel: a virtual clock, links, endpoints, a trace.
//!
//! Endpoints are whatever has the shape of a sans-IO engine ([`Endpoint`]):
//! they are told datagrams and times and are asked what they want to send. One
//! seed gives one run. Where an endpoint itself draws from the system's random
//! source (ICE and DTLS do, and a signature's length varies), call
//! [`World::trace_from_here`] once the handshake is over: it draws the links'
//! fate anew from the seed and starts the trace.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use surecast_media::time::Now;

use crate::link::{Fate, Link, Profile};

/// One datagram.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Datagram {
    /// Sender.
    pub source: SocketAddr,
    /// Receiver.
    pub destination: SocketAddr,
    /// Content.
    pub payload: Vec<u8>,
}

/// A sans-IO engine with one address.
pub trait Endpoint {
    /// Where datagrams for it go.
    fn address(&self) -> SocketAddr;
    /// A datagram arrived.
    fn handle_datagram(&mut self, datagram: &Datagram, now: Now);
    /// The time that [`Self::poll_timeout`] named, or a later one, has come.
    fn handle_timeout(&mut self, now: Now);
    /// The next datagram to send, until `None`.
    fn poll_transmit(&mut self) -> Option<Datagram>;
    /// When [`Self::handle_timeout`] shall be called next.
    fn poll_timeout(&mut self) -> Option<Instant>;
}

/// Virtual clock, random source, links, datagrams on their way, trace.
#[derive(Debug)]
pub struct World {
    seed: u64,
    rng: fastrand::Rng,
    origin: Now,
    now: Now,
    links: BTreeMap<(SocketAddr, SocketAddr), Link>,
    in_flight: BinaryHeap<Reverse<InFlight>>,
    sent: u64,
    trace: Trace,
}

/// Ordered by arrival, then by sending.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct InFlight {
    at: Instant,
    order: u64,
    datagram: Datagram,
}

impl World {
    /// A world at `origin`, with ideal links everywhere. The same seed and the
    /// same endpoints give the same run.
    #[must_use]
    pub fn new(seed: u64, origin: Now) -> Self {
        Self {
            seed,
            rng: fastrand::Rng::with_seed(seed),
            origin,
            now: origin,
            links: BTreeMap::new(),
            in_flight: BinaryHeap::new(),
            sent: 0,
            trace: Trace::default(),
        }
    }

    /// The virtual time.
    #[must_use]
    pub const fn now(&self) -> Now {
        self.now
    }

    /// Virtual time since the beginning.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now.at - self.origin.at
    }

    /// The seeded random source, for what a scenario decides itself.
    pub const fn rng(&mut self) -> &mut fastrand::Rng {
        &mut self.rng
    }

    /// From now on the path in this direction behaves so.
    pub fn set_link(&mut self, from: SocketAddr, to: SocketAddr, profile: Profile) {
        self.links
            .entry((from, to))
            .or_default()
            .set_profile(profile);
    }

    /// As [`Self::set_link`], in both directions.
    pub fn set_links(&mut self, a: SocketAddr, b: SocketAddr, profile: Profile) {
        self.set_link(a, b, profile);
        self.set_link(b, a, profile);
    }

    /// Starts the random source and the trace anew.
    pub fn trace_from_here(&mut self) {
        self.rng = fastrand::Rng::with_seed(self.seed);
        self.trace = Trace::default();
    }

    /// Adds what a scenario saw to the trace.
    pub fn note(&mut self, values: &[u64]) {
        for &value in values {
            self.trace.add(value);
        }
    }

    /// The trace so far, as one number: equal runs have equal numbers.
    #[must_use]
    pub const fn trace(&self) -> u64 {
        self.trace.0
    }

    /// Lets the endpoints talk until the virtual clock shows `until`.
    pub fn run_until(&mut self, endpoints: &mut [&mut dyn Endpoint], until: Instant) {
        self.collect(endpoints);
        while let Some(next) = self.next_moment(endpoints).filter(|next| *next <= until) {
            self.advance_to(next);
            self.deliver(endpoints);
            for endpoint in &mut *endpoints {
                if endpoint.poll_timeout().is_some_and(|at| at <= self.now.at) {
                    endpoint.handle_timeout(self.now);
                }
            }
            self.collect(endpoints);
        }
        self.advance_to(until);
    }

    /// As [`Self::run_until`], for so long.
    pub fn run_for(&mut self, endpoints: &mut [&mut dyn Endpoint], time: Duration) {
        self.run_until(endpoints, self.now.at + time);
    }

    fn next_moment(&self, endpoints: &mut [&mut dyn Endpoint]) -> Option<Instant> {
        let arrival = self.in_flight.peek().map(|Reverse(next)| next.at);
        let timeout = endpoints.iter_mut().filter_map(|e| e.poll_timeout()).min();
        arrival.into_iter().chain(timeout).min()
    }

    fn advance_to(&mut self, at: Instant) {
        // From the origin, so that the coarser clock does not lose what is
        // less than a millisecond at each step.
        if at > self.now.at {
            self.now = self.origin.after(at - self.origin.at);
        }
    }

    fn deliver(&mut self, endpoints: &mut [&mut dyn Endpoint]) {
        while let Some(Reverse(next)) = self.in_flight.peek() {
            if next.at > self.now.at {
                return;
            }
            let Some(Reverse(next)) = self.in_flight.pop() else {
                return;
            };
            let to = next.datagram.destination;
            if let Some(endpoint) = endpoints.iter_mut().find(|e| e.address() == to) {
                endpoint.handle_datagram(&next.datagram, self.now);
            }
        }
    }

    fn collect(&mut self, endpoints: &mut [&mut dyn Endpoint]) {
        for endpoint in endpoints {
            while let Some(datagram) = endpoint.poll_transmit() {
                self.send(datagram);
            }
        }
    }

    fn send(&mut self, datagram: Datagram) {
        let path = (datagram.source, datagram.destination);
        let link = self.links.entry(path).or_default();
        let fate = link.send(self.now.at, datagram.payload.len(), &mut self.rng);
        self.trace.add(nanos(self.now.at - self.origin.at));
        self.trace.add(datagram.payload.len() as u64);
        let Fate::Arrives(at) = fate else {
            self.trace.add(0);
            return;
        };
        self.trace.add(nanos(at - self.now.at) + 1);
        self.sent += 1;
        self.in_flight.push(Reverse(InFlight {
            at,
            order: self.sent,
            datagram,
        }));
    }
}

/// FNV-1a over what happened.
#[derive(Clone, Copy, Debug)]
struct Trace(u64);

impl Default for Trace {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Trace {
    fn add(&mut self, value: u64) {
        for byte in value.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
