//! What a client says of a minute, signed with a key of its own.
//!
//! ```text
//! {"alg":"ed25519","audio":{"all":60000,"good":59700},"delay":{…},"end":1788220860000,
//!  "format":"surecast-receipt/1","key":"…","seq":3,"start":1788220800000,"video":{…}}
//! ```
//!
//! Canonical JSON, times in milliseconds, numbers as good / all, so that minutes
//! of many clients can be added up. The key is made for the session and never
//! leaves the client; whose session it is, the room token says that comes with
//! the receipt. What stands in the log of a minute's receipts are hashes and
//! sums, nothing of a person.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::ReportError;
use crate::canonical;
use crate::evidence::{Hash, VerifyingKey};
use crate::module::Region;
use crate::rollup::experience::{Experienced, Indicator};
use crate::rollup::{MINUTE_MS, Minute};

/// What stands in `format`.
pub const FORMAT: &str = "surecast-receipt/1";

/// What stands in `format` of a countersignature.
pub const COUNTERSIGNED: &str = "surecast-countersigned/1";

/// Longest statement: its fields at their largest come to 700 bytes.
pub const MAX_BYTES: usize = 1024;

/// Streams whose time one client can add up: a room of 500 with audio and video
/// each. More than that nobody looks at.
pub const MAX_STREAMS: u64 = 500;

/// Hashes of receipts in one leaf: 1,000 of 47 bytes leave room for the rest.
pub const MAX_HASHES: usize = 1000;

/// Largest number of a receipt: a session of 400 days, minute by minute.
const MAX_SEQ: u32 = 600_000;

/// How the client signs: what its browser has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Alg {
    /// Ed25519, RFC 8032; the key as 32 bytes.
    Ed25519,
    /// ECDSA on P-256 with SHA-256, r and s as 64 bytes; the key as 65, not
    /// compressed.
    P256,
}

/// Good ones of all, as an indicator counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// All.
    pub all: u64,
    /// Of them, good.
    pub good: u64,
}

/// An attempt to join that ended in this interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Joined {
    /// From the click to being connected, or to giving up.
    pub ms: u32,
    /// Whether it came to be connected.
    pub ok: bool,
    /// From the click to the first media, where some came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_media_ms: Option<u32>,
}

/// Longest good join.
const JOIN_MS: u32 = 5000;

/// What one client saw of (a part of) a minute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// [`FORMAT`].
    pub format: String,
    /// How it is signed.
    pub alg: Alg,
    /// The public key, base64.
    pub key: String,
    /// Counts up within the session.
    pub seq: u32,
    /// From when, milliseconds since 1970.
    pub start: u64,
    /// Until when, in the same minute.
    pub end: u64,
    /// The attempt to join, in the statement after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join: Option<Joined>,
    /// Milliseconds of audio, all streams together; good: it did not freeze.
    pub audio: Share,
    /// The same of video.
    pub video: Share,
    /// Milliseconds of media; good: with a delay of at most 400 ms.
    pub delay: Share,
    /// Audio that the client had to make up, of a million.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concealed_ppm: Option<u32>,
    /// Times that video froze, by the rule of webrtc-stats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freezes: Option<u32>,
    /// Round trip to the server, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<u32>,
}

impl Statement {
    /// Reads it and checks the signature and everything that can be seen from it
    /// alone.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn read(text: &str, signature: &str) -> Result<Self, ReportError> {
        if text.len() > MAX_BYTES {
            return Err(ReportError::TooLong {
                given: text.len(),
                most: MAX_BYTES,
            });
        }
        canonical::check(text)?;
        let statement: Self =
            serde_json::from_str(text).map_err(|why| ReportError::Decode(why.to_string()))?;
        statement.check()?;
        statement.verify(text, signature)?;
        Ok(statement)
    }

    /// The minute it is about.
    #[must_use]
    pub fn minute(&self) -> Minute {
        Minute(u32::try_from(self.start / MINUTE_MS).unwrap_or(u32::MAX))
    }

    /// What it adds to the minute's indicators.
    #[must_use]
    pub fn experienced(&self) -> Experienced {
        let mut counts = Experienced::default();
        if let Some(join) = self.join {
            let good = u64::from(join.ok && join.ms <= JOIN_MS);
            counts.add(Indicator::Join, good, 1);
        }
        for (indicator, share) in self.shares() {
            counts.add(indicator, share.good, share.all);
        }
        counts
    }

    /// Milliseconds of the session in which all was fine, and in which something
    /// stood still: the larger share of audio and video that froze. Both 0 when
    /// there was nothing to see or hear.
    #[must_use]
    pub fn session_ms(&self) -> (u64, u64) {
        let length = self.end - self.start;
        let frozen = |share: Share| {
            let bad = u128::from(share.all.saturating_sub(share.good));
            let part = (u128::from(length) * bad).div_ceil(u128::from(share.all.max(1)));
            u64::try_from(part).unwrap_or(length).min(length)
        };
        if self.audio.all == 0 && self.video.all == 0 {
            return (0, 0);
        }
        let down = frozen(self.audio).max(frozen(self.video));
        (length - down, down)
    }

    const fn shares(&self) -> [(Indicator, Share); 3] {
        [
            (Indicator::Audio, self.audio),
            (Indicator::Video, self.video),
            (Indicator::Delay, self.delay),
        ]
    }

    fn check(&self) -> Result<(), ReportError> {
        if self.format != FORMAT {
            return Err(ReportError::field("format", format!("must be `{FORMAT}`")));
        }
        if self.seq > MAX_SEQ {
            return Err(ReportError::field("seq", format!("more than {MAX_SEQ}")));
        }
        let minute = self.start / MINUTE_MS;
        if u32::try_from(minute).is_err() || Minute::MAX.0 < self.minute().0 {
            return Err(ReportError::field("start", "beyond the year 9999"));
        }
        if self.end <= self.start || (self.end - 1) / MINUTE_MS != minute {
            let why = "must come after `start`, in the same minute";
            return Err(ReportError::field("end", why));
        }
        let most = (self.end - self.start) * MAX_STREAMS;
        for (field, share) in [
            ("audio", self.audio),
            ("video", self.video),
            ("delay", self.delay),
        ] {
            let most = if field == "delay" { 2 * most } else { most };
            if share.good > share.all || share.all > most {
                let why = format!("good of all, and at most {most} in this time");
                return Err(ReportError::field(field, why));
            }
        }
        if self.concealed_ppm.is_some_and(|ppm| ppm > 1_000_000) {
            return Err(ReportError::field("concealed_ppm", "more than all"));
        }
        Ok(())
    }

    fn verify(&self, text: &str, signature: &str) -> Result<(), ReportError> {
        let decode = |field, text: &str| {
            STANDARD
                .decode(text)
                .map_err(|_| ReportError::field(field, "not base64"))
        };
        let (key, signature) = (decode("key", &self.key)?, decode("signature", signature)?);
        let verified = match self.alg {
            Alg::Ed25519 => {
                UnparsedPublicKey::new(&ED25519, &key).verify(text.as_bytes(), &signature)
            }
            Alg::P256 => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &key)
                .verify(text.as_bytes(), &signature),
        };
        verified.map_err(|_| ReportError::field("signature", "is not over this text by this key"))
    }
}

/// What the server signs when it takes a receipt, as a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Countersigned {
    /// [`COUNTERSIGNED`].
    pub format: String,
    /// SHA-256 of the client's statement, base64.
    pub receipt: String,
    /// When it was taken, milliseconds since 1970, by the server's clock.
    pub at: u64,
    /// The log in which the minute's leaf will name it.
    pub log: String,
}

/// A leaf `receipt`: the receipts of a minute in a region. With more than
/// [`MAX_HASHES`] there are several, each about its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logged {
    /// `clients`.
    pub by: By,
    /// Which minute.
    #[serde(with = "super::minute_text")]
    pub minute: Minute,
    /// Where.
    pub region: Region,
    /// Participants that were connected when the minute was closed: those of whom
    /// there is no receipt have not said that it was good.
    pub connected: u64,
    /// SHA-256 of each statement, base64, sorted.
    pub hashes: Vec<String>,
    /// RFC 6962 root of the tree whose leaves are these hashes.
    pub root: String,
    /// The key that countersigned them.
    pub key: String,
}

impl Logged {
    /// Whether the hashes are in order and under their root.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn check(&self) -> Result<(), ReportError> {
        if !(1..=MAX_HASHES).contains(&self.hashes.len()) {
            let why = format!("1 to {MAX_HASHES} must stand here");
            return Err(ReportError::field("hashes", why));
        }
        let read = |text: &String| {
            let bytes = STANDARD.decode(text).ok()?;
            <[u8; Hash::LEN]>::try_from(bytes).ok()
        };
        let hashes: Option<Vec<_>> = self.hashes.iter().map(read).collect();
        let why = "not the base64 of 32 bytes";
        let hashes = hashes.ok_or_else(|| ReportError::field("hashes", why))?;
        if !hashes.is_sorted() {
            return Err(ReportError::field("hashes", "not in their order"));
        }
        if root(&hashes).to_string() != self.root {
            return Err(ReportError::field("root", "is that of other hashes"));
        }
        let key = self.key.parse::<VerifyingKey>();
        key.map_err(|why| ReportError::field("key", why))?;
        Ok(())
    }
}

/// Tells the leaves of clients from those of probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Clients of calls.
    Clients,
}

/// SHA-256 of a statement, as it stands in leaves.
#[must_use]
pub fn hash(text: &str) -> [u8; Hash::LEN] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let mut bytes = [0; Hash::LEN];
    bytes.copy_from_slice(digest.as_ref());
    bytes
}

/// The root over hashes of statements.
#[must_use]
pub fn root(hashes: &[[u8; Hash::LEN]]) -> Hash {
    let mut row: Vec<Hash> = hashes.iter().map(|hash| Hash::leaf(hash)).collect();
    if row.is_empty() {
        return Hash::empty();
    }
    // RFC 6962 §2.1: the left subtree is the largest power of two; folding pairs
    // and carrying the odd one up gives the same tree.
    while row.len() > 1 {
        let pairs = row.chunks(2).map(|pair| match pair {
            [left, right] => Hash::node(*left, *right),
            odd => odd[0],
        });
        row = pairs.collect();
    }
    row[0]
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    };
    use proptest::prelude::*;

    use super::*;

    const START: u64 = 1_780_272_000_000;

    fn statement(alg: Alg, key: &[u8]) -> Statement {
        Statement {
            format: FORMAT.into(),
            alg,
            key: STANDARD.encode(key),
            seq: 1,
            start: START,
            end: START + 60_000,
            join: Some(Joined {
                ms: 700,
                ok: true,
                first_media_ms: None,
            }),
            audio: Share {
                all: 60_000,
                good: 59_000,
            },
            video: Share::default(),
            delay: Share {
                all: 60_000,
                good: 60_000,
            },
            concealed_ppm: Some(1200),
            freezes: None,
            rtt_ms: Some(31),
        }
    }

    fn pair() -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[3; 32]).unwrap()
    }

    fn signed(change: impl FnOnce(&mut Statement)) -> (String, String) {
        let pair = pair();
        let mut statement = statement(Alg::Ed25519, pair.public_key().as_ref());
        change(&mut statement);
        let text = canonical::to_string(&statement).unwrap();
        let signature = STANDARD.encode(pair.sign(text.as_bytes()));
        (text, signature)
    }

    #[test]
    fn both_kinds_of_keys_are_verified() {
        let (text, signature) = signed(|_| {});
        let read = Statement::read(&text, &signature).unwrap();
        assert_eq!(read.minute().to_string(), "2026-06-01T00:00Z");
        let counts = read.experienced();
        assert_eq!(counts.good, [1, 59_000, 0, 60_000]);
        assert_eq!(counts.all, [1, 60_000, 0, 60_000]);
        let forged = text.replace("59000", "60000");
        assert!(Statement::read(&forged, &signature).is_err());

        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let statement = statement(Alg::P256, pair.public_key().as_ref());
        let text = canonical::to_string(&statement).unwrap();
        let made = pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        let signature = STANDARD.encode(made.as_ref());
        assert_eq!(Statement::read(&text, &signature), Ok(statement));
    }

    /// A field, and how it is spoiled.
    type Case = (&'static str, fn(&mut Statement));

    #[test]
    fn what_cannot_be_is_refused() {
        let cases: [Case; 8] = [
            ("format", |s| s.format = "x".into()),
            ("seq", |s| s.seq = u32::MAX),
            ("start", |s| s.start = u64::MAX >> 12),
            ("end", |s| s.end = s.start),
            ("end", |s| s.end = s.start + 60_001),
            ("audio", |s| s.audio.good = s.audio.all + 1),
            ("video", |s| s.video.all = 60_000 * MAX_STREAMS + 1),
            ("concealed_ppm", |s| s.concealed_ppm = Some(1_000_001)),
        ];
        for (field, spoil) in cases {
            let (text, signature) = signed(spoil);
            let Err(ReportError::Field { field: found, .. }) = Statement::read(&text, &signature)
            else {
                panic!("{field}: {text}")
            };
            assert_eq!(found, field, "{text}");
        }
    }

    #[test]
    fn a_slow_join_is_not_good() {
        for (ms, ok, good) in [(5000, true, 1), (5001, true, 0), (10, false, 0)] {
            let (text, signature) = signed(|s| {
                s.join = Some(Joined {
                    ms,
                    ok,
                    first_media_ms: None,
                });
            });
            let counts = Statement::read(&text, &signature).unwrap().experienced();
            assert_eq!((counts.good[0], counts.all[0]), (good, 1));
        }
    }

    #[test]
    fn the_root_is_that_of_rfc_6962() {
        fn reference(hashes: &[[u8; 32]]) -> Hash {
            match hashes {
                [] => Hash::empty(),
                [one] => Hash::leaf(one),
                _ => {
                    let mut split = 1;
                    while split * 2 < hashes.len() {
                        split *= 2;
                    }
                    Hash::node(reference(&hashes[..split]), reference(&hashes[split..]))
                }
            }
        }
        for count in 0..20_u8 {
            let hashes: Vec<[u8; 32]> = (0..count).map(|n| [n; 32]).collect();
            assert_eq!(root(&hashes), reference(&hashes), "{count}");
        }
    }

    #[test]
    fn a_full_leaf_fits() {
        let hashes: Vec<[u8; 32]> = vec![[0xff; 32]; MAX_HASHES];
        let logged = Logged {
            by: By::Clients,
            minute: Minute::MAX,
            region: "a".repeat(32).parse().unwrap(),
            connected: 1 << 52,
            root: root(&hashes).to_string(),
            hashes: hashes.iter().map(|h| STANDARD.encode(h)).collect(),
            key: "k".repeat(400),
        };
        let at = jiff::Timestamp::UNIX_EPOCH;
        let leaf = crate::evidence::Leaf::json(crate::evidence::Kind::Receipt, at, &logged);
        assert_eq!(leaf.unwrap().decode::<Logged>().unwrap(), logged);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,200}", signature in ".{0,100}") {
            let _ = Statement::read(&text, &signature);
        }

        #[test]
        fn no_signed_text_panics(start: u64, end: u64, all: u64, good: u64, seq: u32) {
            let (text, signature) = signed(|s| {
                let safe = (1 << 53) - 1;
                (s.start, s.end, s.seq) = (start & safe, end & safe, seq);
                s.audio = Share { all: all & safe, good: good & safe };
            });
            if let Ok(read) = Statement::read(&text, &signature) {
                prop_assert_eq!(canonical::to_string(&read).unwrap(), text);
            }
        }
    }
}
