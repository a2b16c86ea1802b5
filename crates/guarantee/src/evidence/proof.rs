//! Proofs that a leaf is in the tree, and that one tree continues another.
//! [RFC 9162, section 2.1](https://www.rfc-editor.org/rfc/rfc9162#section-2.1),
//! whose trees are those of RFC 6962.

use super::hash::Hash;

/// Gives hashes of perfect subtrees, for making proofs.
pub trait Hashes {
    /// Why a hash is not there.
    type Error;

    /// The hash over the leaves `index << height` up to `(index + 1) << height`.
    ///
    /// # Errors
    /// It cannot be had.
    fn hash(&mut self, height: u8, index: u64) -> Result<Hash, Self::Error>;
}

/// A proof that does not prove what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf is not among so many.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    NotInTree {
        /// Which leaf.
        index: u64,
        /// How large the tree is.
        size: u64,
    },
    /// The second tree is smaller than the first.
    #[error("the log has shrunk from {from} to {to} leaves")]
    Shrunk {
        /// Leaves then.
        from: u64,
        /// Leaves now.
        to: u64,
    },
    /// The number of hashes is not what it must be.
    #[error("the proof has {0} hashes, which is too few or too many")]
    Length(usize),
    /// The hashes do not lead to the root.
    #[error("the proof does not lead to the root of the tree")]
    Root,
    /// The hashes do not lead to the root of the earlier tree.
    #[error(
        "the log does not continue the earlier one: what it said of its first leaves was changed"
    )]
    EarlierRoot,
}

/// The hash of the tree over the leaves `start` up to `end`; `start` must be a
/// multiple of the largest power of two that is not larger than their number.
///
/// # Errors
/// Those of `hashes`.
pub fn range<H: Hashes>(hashes: &mut H, start: u64, end: u64) -> Result<Hash, H::Error> {
    let mut parts = Vec::new();
    let mut at = start;
    while at < end {
        let height = (end - at).ilog2() as u8;
        parts.push(hashes.hash(height, at >> height)?);
        at += 1 << height;
    }
    let joined = parts
        .into_iter()
        .rev()
        .reduce(|acc, part| Hash::node(part, acc));
    Ok(joined.unwrap_or_else(Hash::empty))
}

/// Proves that leaf `index` is in the tree of the first `size` leaves. Empty
/// when there is no such leaf.
///
/// # Errors
/// Those of `hashes`.
pub fn prove_inclusion<H: Hashes>(
    hashes: &mut H,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, H::Error> {
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    while index < size && end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(range(hashes, middle, end)?);
            end = middle;
        } else {
            proof.push(range(hashes, start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// Proves that the tree of the first `size` leaves continues that of the first
/// `from`. Empty when there is nothing to prove.
///
/// # Errors
/// Those of `hashes`.
pub fn prove_consistency<H: Hashes>(
    hashes: &mut H,
    from: u64,
    size: u64,
) -> Result<Vec<Hash>, H::Error> {
    let mut proof = Vec::new();
    if from == 0 || from >= size {
        return Ok(proof);
    }
    let (mut start, mut end) = (0, size);
    while from != end {
        let middle = start + split(end - start);
        if from <= middle {
            proof.push(range(hashes, middle, end)?);
            end = middle;
        } else {
            proof.push(range(hashes, start, middle)?);
            start = middle;
        }
    }
    // The verifier knows the hash of the earlier tree, when it is this part.
    if start > 0 {
        proof.push(range(hashes, start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The largest power of two that is smaller than `n`, which is at least 2.
const fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// Checks that a leaf with hash `leaf` stands at `index` in a tree of `size`
/// leaves with that `root`.
///
/// # Errors
/// It does not, or the proof does not show it.
pub fn check_inclusion(
    proof: &[Hash],
    index: u64,
    leaf: Hash,
    size: u64,
    root: Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::NotInTree { index, size });
    }
    let wrong = ProofError::Length(proof.len());
    let (mut at, mut last) = (index, size - 1);
    let mut hash = leaf;
    for other in proof {
        if last == 0 {
            return Err(wrong);
        }
        if at & 1 == 1 || at == last {
            hash = Hash::node(*other, hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = Hash::node(hash, *other);
        }
        at >>= 1;
        last >>= 1;
    }
    match (last, hash == root) {
        (0, true) => Ok(()),
        (0, false) => Err(ProofError::Root),
        _ => Err(wrong),
    }
}

/// Checks that a tree of `size` leaves with that `root` continues one of `from`
/// leaves with the root `earlier`.
///
/// # Errors
/// It does not, or the proof does not show it.
pub fn check_consistency(
    proof: &[Hash],
    from: u64,
    earlier: Hash,
    size: u64,
    root: Hash,
) -> Result<(), ProofError> {
    let wrong = ProofError::Length(proof.len());
    if from > size {
        return Err(ProofError::Shrunk { from, to: size });
    }
    if from == 0 || from == size {
        let same = if from == 0 { Hash::empty() } else { root };
        return match (proof.is_empty(), earlier == same) {
            (true, true) => Ok(()),
            (true, false) => Err(ProofError::EarlierRoot),
            (false, _) => Err(wrong),
        };
    }
    let mut rest = proof.iter();
    let (mut at, mut last) = (from - 1, size - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let seed = if from.is_power_of_two() {
        earlier
    } else {
        *rest.next().ok_or(wrong)?
    };
    let (mut old, mut new) = (seed, seed);
    for other in rest {
        if last == 0 {
            return Err(wrong);
        }
        if at & 1 == 1 || at == last {
            old = Hash::node(*other, old);
            new = Hash::node(*other, new);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            new = Hash::node(new, *other);
        }
        at >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(wrong);
    }
    if old != earlier {
        return Err(ProofError::EarlierRoot);
    }
    if new != root {
        return Err(ProofError::Root);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    struct Leaves(Vec<Hash>);

    impl Hashes for Leaves {
        type Error = std::convert::Infallible;

        fn hash(&mut self, height: u8, index: u64) -> Result<Hash, Self::Error> {
            let start = usize::try_from(index << height).unwrap();
            Ok(Hash::perfect(&self.0[start..start + (1 << height)]).unwrap())
        }
    }

    fn leaves(n: u64) -> Leaves {
        Leaves((0..n).map(|i| Hash::leaf(&i.to_be_bytes())).collect())
    }

    #[test]
    fn all_small_trees() {
        let mut hashes = leaves(70);
        for size in 0..=70u64 {
            let root = range(&mut hashes, 0, size).unwrap();
            for index in 0..size {
                let proof = prove_inclusion(&mut hashes, index, size).unwrap();
                let leaf = hashes.0[usize::try_from(index).unwrap()];
                assert_eq!(check_inclusion(&proof, index, leaf, size, root), Ok(()));
                assert!(check_inclusion(&proof, index, root, size, leaf).is_err() || size == 1);
            }
            for from in 0..=size {
                let earlier = range(&mut hashes, 0, from).unwrap();
                let proof = prove_consistency(&mut hashes, from, size).unwrap();
                let result = check_consistency(&proof, from, earlier, size, root);
                assert_eq!(result, Ok(()), "{from} {size}");
            }
        }
    }

    fn theirs(hash: Hash) -> tlog_tiles::Hash {
        tlog_tiles::Hash(hash.0)
    }

    proptest! {
        #[test]
        fn proofs_convince_another_implementation(size in 1u64..600, a: prop::sample::Index, b: prop::sample::Index) {
            let mut hashes = leaves(size);
            let root = range(&mut hashes, 0, size).unwrap();
            let index = a.index(usize::try_from(size).unwrap()) as u64;
            let leaf = hashes.0[usize::try_from(index).unwrap()];
            let proof = prove_inclusion(&mut hashes, index, size).unwrap().into_iter().map(theirs).collect();
            prop_assert!(tlog_tiles::check_record(&proof, size, theirs(root), index, theirs(leaf)).is_ok());
            let from = 1 + b.index(usize::try_from(size).unwrap()) as u64;
            let earlier = range(&mut hashes, 0, from).unwrap();
            let proof = prove_consistency(&mut hashes, from, size).unwrap().into_iter().map(theirs).collect();
            prop_assert!(tlog_tiles::check_tree(&proof, size, theirs(root), from, theirs(earlier)).is_ok());
        }

        #[test]
        fn a_changed_proof_proves_nothing(size in 2u64..300, a: prop::sample::Index, at: prop::sample::Index, bit in 0usize..256) {
            let mut hashes = leaves(size);
            let root = range(&mut hashes, 0, size).unwrap();
            let index = a.index(usize::try_from(size).unwrap()) as u64;
            let leaf = hashes.0[usize::try_from(index).unwrap()];
            let mut proof = prove_inclusion(&mut hashes, index, size).unwrap();
            let changed = at.index(proof.len());
            proof[changed].0[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(check_inclusion(&proof, index, leaf, size, root), Err(ProofError::Root));
            proof.pop();
            prop_assert!(check_inclusion(&proof, index, leaf, size, root).is_err());
        }

        #[test]
        fn no_numbers_panic(proof in prop::collection::vec(any::<[u8; 32]>().prop_map(Hash), 0..70), a: u64, b: u64) {
            let hash = Hash::empty();
            let _ = check_inclusion(&proof, a, hash, b, hash);
            let _ = check_consistency(&proof, a, hash, b, hash);
        }
    }
}
