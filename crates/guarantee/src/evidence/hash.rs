//! Hashes of the Merkle tree.
//! [RFC 6962, section 2.1](https://www.rfc-editor.org/rfc/rfc6962#section-2.1)

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A SHA-256 hash of a leaf, of a subtree, or of the whole tree. Written in
/// base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; Self::LEN]);

impl Hash {
    /// Bytes of a hash.
    pub const LEN: usize = 32;

    /// The hash of a tree without leaves.
    #[must_use]
    pub fn empty() -> Self {
        Self::from_digest(digest(&SHA256, &[]))
    }

    /// The hash of a leaf that holds `entry`.
    #[must_use]
    pub fn leaf(entry: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&[0]);
        context.update(entry);
        Self::from_digest(context.finish())
    }

    /// The hash of two subtrees.
    #[must_use]
    pub fn node(left: Self, right: Self) -> Self {
        let mut bytes = [1; 1 + 2 * Self::LEN];
        bytes[1..=Self::LEN].copy_from_slice(&left.0);
        bytes[1 + Self::LEN..].copy_from_slice(&right.0);
        Self::from_digest(digest(&SHA256, &bytes))
    }

    /// The hash of a perfect subtree over `hashes`.
    ///
    /// `None` unless their number is a power of two.
    #[must_use]
    pub fn perfect(hashes: &[Self]) -> Option<Self> {
        if !hashes.len().is_power_of_two() {
            return None;
        }
        let mut row = hashes.to_vec();
        while row.len() > 1 {
            row = row
                .chunks_exact(2)
                .map(|pair| Self::node(pair[0], pair[1]))
                .collect();
        }
        row.first().copied()
    }

    /// The hash of a tree whose left part are the perfect subtrees `hashes`,
    /// all of one size, and whose right part is `rest`, which is smaller.
    /// `None` when there is neither.
    #[must_use]
    pub fn fold(hashes: &[Self], rest: Option<Self>) -> Option<Self> {
        let mut end = hashes.len();
        let mut acc = rest;
        while end > 0 {
            let width = 1 << end.trailing_zeros();
            let subtree = Self::perfect(&hashes[end - width..end])?;
            acc = Some(acc.map_or(subtree, |rest| Self::node(subtree, rest)));
            end -= width;
        }
        acc
    }

    fn from_digest(digest: aws_lc_rs::digest::Digest) -> Self {
        let mut bytes = [0; Self::LEN];
        bytes.copy_from_slice(digest.as_ref());
        Self(bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl FromStr for Hash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "a hash is 32 bytes in base64".to_owned();
        let bytes = STANDARD.decode(text).map_err(|_| wrong())?;
        Ok(Self(bytes.try_into().map_err(|_| wrong())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(hash: Hash) -> String {
        hash.0.iter().map(|b| format!("{b:02x}")).collect()
    }

    #[test]
    fn known_hashes() {
        for (hash, expected) in [
            (
                Hash::empty(),
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            ),
            (
                Hash::leaf(b""),
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            ),
            (
                Hash::leaf(b"minute:2026-09-01T00:00Z ok=100 bad=0"),
                "6adf12d1c8f3c51d258d47b167e14985268532abf485b39dbc27f34cc2eaee9d",
            ),
        ] {
            assert_eq!(hex(hash), expected);
        }
    }

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let hash = Hash::leaf(b"x");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for text in ["", "AAAA", "not base64", &"A".repeat(64)] {
            assert!(text.parse::<Hash>().is_err(), "{text}");
        }
    }
}
