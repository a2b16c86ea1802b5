//! Ids that cross crate borders.
//!
//! Numbers are for engines (cheap to hash, allocated by the room engine and
//! never reused within a process); the `PA_…`, `TR_…`, `RM_…` strings that
//! clients see live in the room engine alone.

use std::fmt;

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

number_id!(
    /// A room. It decides on which shard everything of that room lives.
    RoomId, "room-"
);
number_id!(
    /// One peer connection. A participant has one (signalling v1) or two (v0).
    PeerId, "peer-"
);
number_id!(
    /// One published track, whatever number of codecs or layers it is sent in.
    TrackId, "track-"
);
