//! Every bound on what a peer can grow, in one place.

use std::time::Duration;

/// Bytes of one signalling message, in either direction, and of a decompressed
/// join request. LiveKit refuses more than this as well.
pub const SIGNAL_BYTES: usize = 2 << 20;

/// Bytes of one reliable or lossy data message. `SCTP` carries no more than
/// this between browsers without negotiating a larger size.
pub const DATA_BYTES: usize = 64 << 10;

/// Tracks one participant may publish at once, media and data counted apart.
/// An offer with 64 sending sections is already larger than any real client's.
pub const TRACKS_PER_PARTICIPANT: usize = 64;

/// Encodings of one track: the primary codec and its fallbacks.
pub const CODECS_PER_TRACK: usize = 8;

/// Renditions named per codec; clients send three.
pub const LAYERS_PER_CODEC: usize = 8;

/// Track ids in one subscription or settings request.
pub const TRACKS_PER_REQUEST: usize = 4096;

/// Tracks and publishers that one participant may remember a wish for
/// (subscribe, unsubscribe, settings), including tracks that do not exist yet.
pub const WISHES_PER_PARTICIPANT: usize = 16_384;

/// Entries of a publisher's list of who may subscribe to what.
pub const SUBSCRIPTION_PERMISSIONS: usize = 4096;

/// Reliable messages kept for receivers that resume, per room.
pub const REPLAY_MESSAGES: usize = 2048;
/// Bytes of those messages, per room: 2 s of a room that sends 16 Mbit/s.
pub const REPLAY_BYTES: usize = 4 << 20;
/// How long they are kept.
pub const REPLAY_TIME: Duration = Duration::from_secs(2);

/// Reliable messages that wait for a receiver's data channel to open.
pub const UNREADY_MESSAGES: usize = 64;
/// Bytes of those messages, per receiver.
pub const UNREADY_BYTES: usize = 256 << 10;
/// How long they wait.
pub const UNREADY_TIME: Duration = Duration::from_secs(2);

/// Nonces remembered per room to drop duplicates of user packets.
pub const NONCES: usize = 1024;

/// Identities that one data message may be addressed to.
pub const DESTINATIONS: usize = 4096;

/// Bytes of an ICE candidate line or of the JSON around it.
pub const CANDIDATE_BYTES: usize = 4 << 10;

/// Bytes of a session description. Chromium's with 50 tracks has 120 KiB.
pub const SDP_BYTES: usize = 1 << 20;

/// Bytes of any name that a client chooses: track, stream, client id.
pub const NAME_BYTES: usize = 256;

/// Bytes of a token. Attributes and metadata are inside it, and it has to fit
/// into the request line.
pub const TOKEN_BYTES: usize = 256 << 10;
