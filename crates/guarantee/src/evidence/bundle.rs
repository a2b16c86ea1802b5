//! Bundles of entries: each led by its length in two bytes, big-endian.
//! [C2SP tlog-tiles](https://c2sp.org/tlog-tiles), "Log entries"

use super::tile::WIDTH;

/// Longest entry: what its length field can say.
pub const MAX_ENTRY: usize = u16::MAX as usize;

/// Longest bundle.
pub const MAX_BUNDLE: usize = WIDTH as usize * (2 + MAX_ENTRY);

/// Puts an entry behind others.
///
/// # Errors
/// The entry is longer than [`MAX_ENTRY`]; nothing was written.
pub fn push(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), TooLong> {
    let len = u16::try_from(entry.len()).map_err(|_| TooLong(entry.len()))?;
    bundle.extend_from_slice(&len.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// An entry that fits no bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the entry has {0} bytes, and {MAX_ENTRY} is the most: split it into several")]
pub struct TooLong(pub usize);

/// Takes the first `width` entries of a bundle.
///
/// # Errors
/// Says at which entry the bundle breaks off, or that there is more behind a
/// full one.
pub fn entries(bundle: &[u8], width: u16) -> Result<Vec<&[u8]>, Broken> {
    let mut rest = bundle;
    let mut entries = Vec::with_capacity(usize::from(width));
    for at in 0..width {
        let broken = Broken {
            at,
            why: "the bundle breaks off",
        };
        let (len, tail) = rest.split_first_chunk().ok_or(broken)?;
        let len = usize::from(u16::from_be_bytes(*len));
        let (entry, tail) = tail.split_at_checked(len).ok_or(broken)?;
        entries.push(entry);
        rest = tail;
    }
    if width == WIDTH && !rest.is_empty() {
        return Err(Broken {
            at: width - 1,
            why: "there are bytes behind the last entry",
        });
    }
    Ok(entries)
}

/// A bundle that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why} at entry {at}")]
pub struct Broken {
    /// The entry in the bundle, from 0.
    pub at: u16,
    /// What is wrong there.
    pub why: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn entries_come_out_as_they_went_in(list in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..=256)) {
            let mut bundle = Vec::new();
            for entry in &list {
                push(&mut bundle, entry).unwrap();
            }
            let width = u16::try_from(list.len()).unwrap();
            prop_assert_eq!(entries(&bundle, width).unwrap(), list);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), width in 0..=WIDTH) {
            let _ = entries(&bytes, width);
        }
    }

    #[test]
    fn a_break_is_found_where_it_is() {
        let mut bundle = Vec::new();
        push(&mut bundle, b"one").unwrap();
        push(&mut bundle, b"two").unwrap();
        bundle.pop();
        assert_eq!(entries(&bundle, 1).unwrap(), [b"one"]);
        assert_eq!(entries(&bundle, 2).unwrap_err().at, 1);
        assert_eq!(push(&mut bundle, &[0; 65_536]), Err(TooLong(65_536)));
    }
}
