//! Sending: runs of datagrams of one size to one client leave in one system
//! call (UDP GSO), which is what makes fan-out cheap.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};

use quinn_udp::UdpSocketState;
use surecast_sfu::Transmit;

/// The kernel takes at most this many bytes in one segmented send.
const MAX_RUN: usize = 60_000;

/// Collects a run and hands it out when it ends.
pub(super) struct Egress {
    max_segments: usize,
    run: Run,
    /// Datagrams that the kernel had no room for.
    pub(super) dropped: u64,
}

/// Datagrams of one size, the last one perhaps shorter, for one client.
#[derive(Default)]
pub(super) struct Run {
    destination: Option<SocketAddr>,
    segment: usize,
    segments: usize,
    bytes: Vec<u8>,
    /// A shorter datagram closed the run.
    closed: bool,
}

impl Egress {
    pub(super) fn new(max_segments: usize) -> Self {
        Self {
            max_segments: max_segments.max(1),
            run: Run::default(),
            dropped: 0,
        }
    }

    pub(super) fn push(&mut self, transmit: &Transmit, send: impl Fn(&Run) -> bool) {
        let len = transmit.contents.len();
        if !self.fits(transmit.destination, len) {
            self.finish(send);
        }
        let run = &mut self.run;
        if run.segments == 0 {
            run.destination = Some(transmit.destination);
            run.segment = len;
        }
        run.closed = len < run.segment;
        run.segments += 1;
        run.bytes.extend_from_slice(&transmit.contents);
    }

    /// Sends what has been collected.
    pub(super) fn finish(&mut self, send: impl Fn(&Run) -> bool) {
        if self.run.segments > 0 && !send(&self.run) {
            self.dropped += self.run.segments as u64;
        }
        self.run.segments = 0;
        self.run.bytes.clear();
        self.run.closed = false;
    }

    fn fits(&self, destination: SocketAddr, len: usize) -> bool {
        let run = &self.run;
        run.segments > 0
            && !run.closed
            && run.destination == Some(destination)
            && run.segments < self.max_segments
            && len <= run.segment
            && run.bytes.len() + len <= MAX_RUN
    }
}

impl Run {
    /// Whether the kernel took it.
    pub(super) fn send(&self, state: &UdpSocketState, socket: &UdpSocket) -> bool {
        let Some(destination) = self.destination else {
            return true;
        };
        let transmit = quinn_udp::Transmit {
            destination,
            ecn: None,
            contents: &self.bytes,
            segment_size: (self.segments > 1).then_some(self.segment),
            src_ip: None,
        };
        match state.try_send(socket.into(), &transmit) {
            Ok(()) => true,
            Err(e) if e.kind() == ErrorKind::WouldBlock => false,
            // Unreachable clients are found out by ICE.
            Err(error) => {
                tracing::trace!(%error, %destination, "send failed");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use surecast_sfu::Protocol;

    use super::*;

    fn transmit(port: u16, len: usize) -> Transmit {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Transmit {
            proto: Protocol::Udp,
            source: address(1),
            destination: address(port),
            contents: vec![0; len].into(),
        }
    }

    #[test]
    fn equal_sizes_to_one_client_leave_together() {
        let sent = RefCell::new(Vec::new());
        let send = |run: &Run| {
            sent.borrow_mut().push((run.segments, run.bytes.len()));
            true
        };
        let mut egress = Egress::new(64);
        for (port, len) in [(5, 100), (5, 100), (5, 40), (5, 100), (6, 100), (6, 120)] {
            egress.push(&transmit(port, len), send);
        }
        egress.finish(send);
        assert_eq!(*sent.borrow(), [(3, 240), (1, 100), (1, 100), (1, 120)]);
    }

    #[test]
    fn a_run_has_a_bound() {
        let sent = RefCell::new(0);
        let send = |run: &Run| {
            assert!(run.segments <= 4);
            *sent.borrow_mut() += run.segments;
            true
        };
        let mut egress = Egress::new(4);
        (0..10).for_each(|_| egress.push(&transmit(5, 1200), send));
        egress.finish(send);
        assert_eq!(*sent.borrow(), 10);
    }
}
