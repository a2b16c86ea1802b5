use std::net::SocketAddr;
use std::time::Instant;

use surecast_media::time::Now;

use super::Client;
use crate::world::{Datagram, Endpoint};

/// In virtual time.
impl Endpoint for Client {
    fn address(&self) -> SocketAddr {
        self.local
    }

    fn handle_datagram(&mut self, datagram: &Datagram, now: Now) {
        self.handle_datagram(datagram.source, &datagram.payload, now);
    }

    fn handle_timeout(&mut self, now: Now) {
        self.handle_timeout(now);
    }

    fn poll_transmit(&mut self) -> Option<Datagram> {
        let transmit = self.poll_transmit()?;
        Some(Datagram {
            source: transmit.source,
            destination: transmit.destination,
            payload: transmit.contents.to_vec(),
        })
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        Self::poll_timeout(self)
    }
}
