use std::collections::BTreeMap;

/// What can go wrong with a client, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The WebSocket could not be opened: no route, refused, TLS.
    SignalConnect,
    /// The server answered the WebSocket request with an error status.
    JoinRefused,
    /// The WebSocket ended though nobody left.
    SignalClosed,
    /// The server was silent for longer than it promised.
    SignalTimeout,
    /// A frame that is no message.
    SignalMalformed,
    /// The server told the client to leave.
    ServerLeave,
    /// An answer could not be applied.
    Negotiation,
    /// The server refused a publication.
    PublishRefused,
    /// A publication was not agreed to in time.
    PublishTimeout,
    /// ICE or DTLS were not up in time.
    ConnectTimeout,
    /// It was told to leave before it was connected.
    NeverConnected,
    /// ICE lost the server after it was connected.
    IceDisconnected,
    /// The transport ended though nobody left.
    TransportClosed,
    /// The transport gave up.
    Transport,
    /// Media on a section that the server has mapped to no track.
    UnmappedTrack,
    /// More streams than a client measures.
    TooManyStreams,
    /// A socket of the load process itself failed.
    LocalSocket,
}

impl Fault {
    /// Stable name, as it stands in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignalConnect => "signal_connect",
            Self::JoinRefused => "join_refused",
            Self::SignalClosed => "signal_closed",
            Self::SignalTimeout => "signal_timeout",
            Self::SignalMalformed => "signal_malformed",
            Self::ServerLeave => "server_leave",
            Self::Negotiation => "negotiation",
            Self::PublishRefused => "publish_refused",
            Self::PublishTimeout => "publish_timeout",
            Self::ConnectTimeout => "connect_timeout",
            Self::NeverConnected => "never_connected",
            Self::IceDisconnected => "ice_disconnected",
            Self::TransportClosed => "transport_closed",
            Self::Transport => "transport",
            Self::UnmappedTrack => "unmapped_track",
            Self::TooManyStreams => "too_many_streams",
            Self::LocalSocket => "local_socket",
        }
    }
}

/// How often what went wrong, with one example each.
#[derive(Clone, Debug, Default)]
pub struct Faults(BTreeMap<Fault, (u64, String)>);

/// Bytes kept of an example: a line of text.
const EXAMPLE_BYTES: usize = 200;

impl Faults {
    /// Counts one; the first detail of its kind is kept.
    pub fn add(&mut self, fault: Fault, detail: &str) {
        let entry = self.0.entry(fault).or_default();
        entry.0 += 1;
        if entry.1.is_empty() {
            detail
                .floor_char_boundary_to(EXAMPLE_BYTES)
                .clone_into(&mut entry.1);
        }
    }

    /// Adds the other's counts.
    pub fn merge(&mut self, other: &Self) {
        for (fault, (count, example)) in &other.0 {
            let entry = self.0.entry(*fault).or_default();
            entry.0 += count;
            if entry.1.is_empty() {
                entry.1.clone_from(example);
            }
        }
    }

    /// Kind, count, example; in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (Fault, u64, &str)> {
        self.0
            .iter()
            .map(|(fault, (count, example))| (*fault, *count, example.as_str()))
    }

    /// Nothing went wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

trait FloorCharBoundary {
    fn floor_char_boundary_to(&self, len: usize) -> &str;
}

impl FloorCharBoundary for str {
    fn floor_char_boundary_to(&self, len: usize) -> &str {
        let end = (0..=len.min(self.len()))
            .rev()
            .find(|&i| self.is_char_boundary(i));
        &self[..end.unwrap_or(0)]
    }
}
