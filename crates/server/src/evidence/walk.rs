//! Verifies all of a log, on several threads where that helps, and gives its
//! leaves out in their order.

use std::sync::mpsc::{Receiver, sync_channel};

use surecast_guarantee::evidence::{Audit, Fault, Files, Replay};

/// Bundles that one thread may be ahead of who reads the leaves. With bundles of
/// the largest size that is 64 MiB per thread, usually it is half of one.
const AHEAD: usize = 4;

/// The leaves of one bundle.
#[derive(Default)]
struct Bundle {
    bytes: Vec<u8>,
    /// The index of each leaf, and where it ends in `bytes`.
    ends: Vec<(u64, usize)>,
}

/// Verifies the whole log, with one thread for each of `files`, gives the leaves
/// to `replay`, and tells `progress` how many leaves there were so far.
///
/// # Errors
/// The first fault in the order of leaves.
pub fn walk<F: Files + Send>(
    audit: &Audit,
    files: Vec<F>,
    replay: &mut impl Replay,
    mut progress: impl FnMut(u64),
) -> Result<(), Fault> {
    let threads = files.len().max(1);
    std::thread::scope(|scope| {
        let mut lanes = Vec::new();
        for (first, mut files) in (0..).zip(files) {
            let (sender, receiver) = sync_channel(AHEAD);
            let mut audit = audit.clone();
            scope.spawn(move || {
                for index in (first..audit.bundles()).step_by(threads) {
                    let verified = verify(&mut audit, &mut files, index);
                    let fault = verified.is_err();
                    // Nobody listens any more where an earlier fault was found.
                    if sender.send(verified).is_err() || fault {
                        return;
                    }
                }
            });
            lanes.push(receiver);
        }
        for (_, lane) in (0..audit.bundles()).zip(lanes.iter().cycle()) {
            read(lane, replay, &mut progress)?;
        }
        Ok(())
    })
}

fn verify(audit: &mut Audit, files: &mut impl Files, index: u64) -> Result<Bundle, Fault> {
    let mut bundle = Bundle::default();
    audit.handle_bundle(files, index, |index, leaf| {
        bundle.bytes.extend_from_slice(leaf);
        bundle.ends.push((index, bundle.bytes.len()));
        Ok(())
    })?;
    Ok(bundle)
}

fn read(
    lane: &Receiver<Result<Bundle, Fault>>,
    replay: &mut impl Replay,
    progress: &mut impl FnMut(u64),
) -> Result<(), Fault> {
    // A lane closes early only behind a fault, at which reading has ended.
    let Ok(bundle) = lane.recv() else {
        return Ok(());
    };
    let Bundle { bytes, ends } = bundle?;
    let mut start = 0;
    for (index, end) in ends {
        let leaf = &bytes[start..end];
        let said = replay.handle_leaf(index, leaf);
        said.map_err(|why| Fault::Contents { index, why })?;
        start = end;
        progress(index + 1);
    }
    Ok(())
}
