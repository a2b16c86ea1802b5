//! Handshakes (draft-sharabayko-srt-01 §3.2.1), version 5.

use super::packet::body_words;

/// Who calls asks for a cookie.
pub(super) const INDUCTION: u32 = 1;
/// Who calls asks for a connection, with extensions.
pub(super) const CONCLUSION: u32 = 0xffff_ffff;
/// Types from here on refuse: the reason is added.
const REFUSED: u32 = 1000;
/// extension_field of an induction's answer: "extensions are understood".
pub(super) const MAGIC: u16 = 0x4a17;
/// The version of SRT that is told: 1.5.0.
pub(super) const SRT_VERSION: u32 = 0x0001_0500;
/// Headers of IPv4 and UDP are part of it.
pub(super) const MTU: u32 = 1500;
/// Bytes before the extensions.
const FIXED_BYTES: usize = 48;
/// A caller sends four or five kinds.
const MAX_EXTENSIONS: usize = 16;

/// Extension types (table 5).
pub(super) mod extension {
    pub const HS_REQUEST: u16 = 1;
    pub const HS_RESPONSE: u16 = 2;
    pub const KEY_REQUEST: u16 = 3;
    pub const KEY_RESPONSE: u16 = 4;
    pub const STREAM_ID: u16 = 5;
    pub const CONGESTION: u16 = 6;
    pub const FILTER: u16 = 7;
    pub const GROUP: u16 = 8;
}

/// extension_field of a conclusion: which extensions follow.
mod field {
    pub const HS: u16 = 1;
    pub const KEY: u16 = 2;
    pub const CONFIG: u16 = 4;
}

/// Flags of the handshake extension (table 6).
pub(super) mod flag {
    /// TSBPDSND, TSBPDRCV, CRYPT, TLPKTDROP, PERIODICNAK, REXMITFLG.
    pub const LIVE: u32 = 0x3f;
    /// The stream (buffer) API, for files.
    pub const STREAM: u32 = 0x40;
}

/// Why a connection is refused. The numbers below 1000 are the protocol's own
/// (table 7); from 1000 on they are the application's, 1000 and a status of
/// HTTP by convention (libsrt's access control).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reject(pub u32);

impl Reject {
    /// Too many connections.
    pub const RESOURCE: Self = Self(3);
    /// The caller sent what makes no sense.
    pub const ROGUE: Self = Self(4);
    /// Too many callers wait for an answer.
    pub const BACKLOG: Self = Self(5);
    /// The endpoint is being closed.
    pub const CLOSE: Self = Self(7);
    /// The caller is older than SRT 1.3.
    pub const VERSION: Self = Self(8);
    /// The passphrase is another one.
    pub const BAD_SECRET: Self = Self(10);
    /// One side has a passphrase and the other has none.
    pub const UNSECURE: Self = Self(11);
    /// File mode.
    pub const MESSAGE_API: Self = Self(12);
    /// Another congestion control than `live`.
    pub const CONGESTION: Self = Self(13);
    /// Packet filters (FEC).
    pub const FILTER: Self = Self(14);
    /// Bonding.
    pub const GROUP: Self = Self(15);
    /// Encryption that is not spoken here: keys of 16 and 32 bytes are.
    pub const CRYPTO: Self = Self(17);
    /// No answer.
    pub const TIMEOUT: Self = Self(16);
    /// Bad request: the stream id says nothing that is understood.
    pub const BAD_REQUEST: Self = Self(1400);

    /// By a status of HTTP.
    #[must_use]
    pub const fn from_http(status: u16) -> Self {
        Self(1000 + status as u32)
    }

    /// In words, for a log.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self.0 {
            2 => "refused by the other side",
            3 => "too many connections",
            4 => "the handshake makes no sense",
            5 => "too many callers are waiting",
            7 => "the other side is closing",
            8 => "SRT older than 1.3",
            10 => "the passphrase is wrong",
            11 => "one side encrypts and the other does not",
            12 => "file mode is not live mode",
            13 => "the congestion control is not `live`",
            14 => "packet filters are not spoken here",
            15 => "bonding is not spoken here",
            16 => "no answer",
            17 => "no common encryption",
            1400 => "the stream id is not understood",
            1401 => "the token is missing or wrong",
            1403 => "not allowed",
            1404 => "there is no such stream",
            1409 => "someone else publishes it",
            _ => "refused",
        }
    }
}

/// A handshake, to be read or written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Handshake {
    pub version: u32,
    /// Bytes of the key by eight: 2, 3, 4; 0 not told.
    pub encryption: u16,
    pub extension: u16,
    /// The first sequence number.
    pub seq: u32,
    pub mtu: u32,
    /// Packets in flight that the receiver has room for.
    pub window: u32,
    /// [`INDUCTION`], [`CONCLUSION`], or a refusal.
    pub kind: u32,
    /// The sender's socket.
    pub socket: u32,
    pub cookie: u32,
    pub extensions: Vec<(u16, Vec<u8>)>,
}

impl Handshake {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let (fixed, mut rest) = body.split_at_checked(FIXED_BYTES)?;
        let words: Vec<u32> = body_words(fixed).collect();
        let [version, fields, seq, mtu, window, kind, socket, cookie, ..] = words[..] else {
            return None;
        };
        let mut extensions = Vec::new();
        while let [t0, t1, l0, l1, after @ ..] = rest {
            let length = usize::from(u16::from_be_bytes([*l0, *l1])) * 4;
            let Some((data, after)) = after.split_at_checked(length) else {
                break;
            };
            if extensions.len() == MAX_EXTENSIONS {
                break;
            }
            extensions.push((u16::from_be_bytes([*t0, *t1]), data.to_vec()));
            rest = after;
        }
        Some(Self {
            version,
            encryption: (fields >> 16) as u16,
            extension: fields as u16,
            seq: seq & 0x7fff_ffff,
            mtu,
            window,
            kind,
            socket,
            cookie,
            extensions,
        })
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let fields = u32::from(self.encryption) << 16 | u32::from(self.extension);
        let mut body = Vec::with_capacity(FIXED_BYTES + 64);
        for word in [
            self.version,
            fields,
            self.seq,
            self.mtu,
            self.window,
            self.kind,
            self.socket,
            self.cookie,
            // The peer's address, which nobody looks at.
            0,
            0,
            0,
            0,
        ] {
            body.extend(word.to_be_bytes());
        }
        for (kind, data) in &self.extensions {
            let words = u16::try_from(data.len().div_ceil(4)).unwrap_or(0);
            body.extend(kind.to_be_bytes());
            body.extend(words.to_be_bytes());
            body.extend_from_slice(data);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        body
    }

    pub(super) fn find(&self, kind: u16) -> Option<&[u8]> {
        self.extensions
            .iter()
            .find(|(other, _)| *other == kind)
            .map(|(_, data)| data.as_slice())
    }

    /// Adds an extension and its bit in the extension field.
    pub(super) fn add(&mut self, kind: u16, data: Vec<u8>) {
        self.extension |= match kind {
            extension::HS_REQUEST | extension::HS_RESPONSE => field::HS,
            extension::KEY_REQUEST | extension::KEY_RESPONSE => field::KEY,
            _ => field::CONFIG,
        };
        self.extensions.push((kind, data));
    }

    /// The reason, where it refuses.
    pub(super) fn refusal(&self) -> Option<Reject> {
        let reason = self.kind.checked_sub(REFUSED)?;
        (self.kind < 10_000).then_some(Reject(reason))
    }

    /// The refusal of this one.
    pub(super) fn refused(&self, reason: Reject) -> Self {
        Self {
            version: 5,
            kind: REFUSED + reason.0,
            extension: 0,
            encryption: 0,
            extensions: Vec::new(),
            ..self.clone()
        }
    }
}

/// The handshake extension: what each side wants (§3.2.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wishes {
    pub version: u32,
    pub flags: u32,
    /// Latency at the side that sends this, when it receives, in milliseconds.
    pub receive_latency: u16,
    /// Latency that it asks of the other side.
    pub send_latency: u16,
}

impl Wishes {
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let mut words = body_words(data);
        let (version, flags, latency) = (words.next()?, words.next()?, words.next()?);
        Some(Self {
            version,
            flags,
            receive_latency: (latency >> 16) as u16,
            send_latency: latency as u16,
        })
    }

    pub(super) fn write(self) -> Vec<u8> {
        let latency = u32::from(self.receive_latency) << 16 | u32::from(self.send_latency);
        [self.version, self.flags, latency]
            .into_iter()
            .flat_map(u32::to_be_bytes)
            .collect()
    }
}

/// Text in words whose bytes are turned around (§3.2.1.3).
pub(super) fn parse_text(data: &[u8]) -> Option<String> {
    let mut bytes: Vec<u8> = data
        .chunks(4)
        .flat_map(|word| word.iter().rev().copied())
        .collect();
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    String::from_utf8(bytes).ok()
}

/// See [`parse_text`].
pub(super) fn write_text(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
        .chunks_exact(4)
        .flat_map(|word| word.iter().rev().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut handshake = Handshake {
            version: 5,
            kind: CONCLUSION,
            seq: 77,
            cookie: 5,
            ..Handshake::default()
        };
        let wishes = Wishes {
            version: SRT_VERSION,
            flags: flag::LIVE,
            receive_latency: 120,
            send_latency: 50,
        };
        handshake.add(extension::HS_REQUEST, wishes.write());
        handshake.add(extension::STREAM_ID, write_text("publish:show"));
        let read = Handshake::parse(&handshake.write()).unwrap();
        assert_eq!(read, handshake);
        assert_eq!(
            read.find(extension::HS_REQUEST).and_then(Wishes::parse),
            Some(wishes)
        );
        assert_eq!(
            read.find(extension::STREAM_ID)
                .and_then(parse_text)
                .as_deref(),
            Some("publish:show")
        );
        assert_eq!(read.refusal(), None);
        assert_eq!(read.refused(Reject::BAD_SECRET).refusal(), Some(Reject(10)));
    }
}
