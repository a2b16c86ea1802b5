//! One commit: its steps in their order.

use std::collections::VecDeque;

use super::super::bundle;
use super::super::checkpoint::Checkpoint;
use super::super::files::{CHECKPOINT, NEXT, WITNESSED, WITNESSED_NEXT};
use super::super::hash::Hash;
use super::super::key::SigningKey;
use super::super::note::Note;
use super::super::tile::{self, Kind, Tile};
use super::super::tree::Edge;
use super::{Head, Step};

/// What a finished step has brought about.
pub(super) enum Outcome {
    /// Nothing yet.
    More,
    /// Others can see the new tree.
    Published(Box<Head>),
    /// Others can see the witness's signature.
    Witnessed(u64, Note),
}

/// What follows from a failed step.
pub(super) enum Failure {
    /// Nothing binds yet: the leaves are given up.
    Refuse,
    /// It was signed: the step is tried again.
    Retry,
    /// A witness's signature is given up; it can be had again.
    Drop,
    /// Only room is lost.
    Ignore,
}

#[derive(Clone, Debug)]
enum Phase {
    /// Files of the new tree; may be given up.
    Tiles(VecDeque<Step>),
    /// The signed note; [`Publish`] says how far it is.
    Publish(Publish, Note),
    /// What is not needed any more; may fail.
    Tidy,
}

/// The steps of replacing a small file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Publish {
    Write,
    SyncNext,
    /// A file that an earlier run left: others may have seen it under its last
    /// name, so it is never written again, only made durable.
    SyncFound,
    Rename,
    SyncName,
}

/// Which file is replaced in the end.
#[derive(Clone, Copy, Debug)]
enum Target {
    Checkpoint,
    Witnessed(u64),
}

impl Target {
    const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Checkpoint => (NEXT, CHECKPOINT),
            Self::Witnessed(_) => (WITNESSED_NEXT, WITNESSED),
        }
    }
}

#[derive(Debug)]
pub(super) struct Commit {
    edge: Edge,
    bundle: Vec<u8>,
    phase: Phase,
    target: Target,
    /// Directories of partial tiles that are full now.
    outdated: VecDeque<String>,
}

impl Commit {
    /// Adds leaves to a tree. Each is short enough for an entry.
    pub(super) fn leaves(durable: &Head, leaves: &[Vec<u8>]) -> Self {
        let mut steps = VecDeque::new();
        let mut outdated = VecDeque::new();
        let mut edge = durable.edge.clone();
        let mut bundle = durable.bundle.clone();
        for leaf in leaves {
            let fits = bundle::push(&mut bundle, leaf);
            debug_assert!(fits.is_ok(), "checked when it came");
            let mut filled = None;
            edge.push(Hash::leaf(leaf), |tile, hashes| {
                steps.push_back(write(&tile, tile::bytes_of(hashes)));
                if tile.kind == Kind::Hashes(0) {
                    filled = Some(entries_of(tile));
                }
                if was_partial(&durable.edge, &tile) {
                    outdated.push_back(tile.partials());
                }
            });
            if let Some(tile) = filled {
                steps.push_back(write(&tile, std::mem::take(&mut bundle)));
                if was_partial(&durable.edge, &tile) {
                    outdated.push_back(tile.partials());
                }
            }
        }
        let changed = edge
            .partials()
            .filter(|(tile, _)| durable.edge.partials().all(|(old, _)| old != *tile));
        for (tile, hashes) in changed {
            steps.push_back(write(&tile, tile::bytes_of(hashes)));
            if tile.kind == Kind::Hashes(0) {
                steps.push_back(write(&entries_of(tile), bundle.clone()));
            }
        }
        steps.push_back(Step::Sync);
        Self {
            edge,
            bundle,
            phase: Phase::Tiles(steps),
            target: Target::Checkpoint,
            outdated,
        }
    }

    /// Writes a tree's tiles at the right edge again, then publishes it as if it
    /// was new.
    pub(super) fn repair(head: &Head) -> Self {
        let tiles = head.edge.partials();
        let mut steps: VecDeque<Step> = tiles
            .map(|(tile, hashes)| write(&tile, tile::bytes_of(hashes)))
            .collect();
        steps.push_back(Step::Sync);
        Self {
            phase: Phase::Tiles(steps),
            ..Self::publish(head, Publish::Write)
        }
    }

    /// Goes on with publishing a signed tree.
    pub(super) fn publish(head: &Head, from: Publish) -> Self {
        Self {
            edge: head.edge.clone(),
            bundle: head.bundle.clone(),
            phase: Phase::Publish(from, head.note.clone()),
            target: Target::Checkpoint,
            outdated: VecDeque::new(),
        }
    }

    /// Publishes a witness's signature.
    pub(super) fn witness(durable: &Head, size: u64, note: Note) -> Self {
        Self {
            phase: Phase::Publish(Publish::Write, note),
            target: Target::Witnessed(size),
            ..Self::publish(durable, Publish::Write)
        }
    }

    /// Leaves in the tree once this is done.
    pub(super) const fn size(&self) -> u64 {
        self.edge.size()
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Tidy) && self.outdated.is_empty()
    }

    /// The step at hand. The tree is signed when all of its files are durable,
    /// and not before.
    pub(super) fn step(&mut self, key: &SigningKey) -> Step {
        if let Phase::Tiles(steps) = &mut self.phase {
            if let Some(step) = steps.pop_front() {
                return step;
            }
            let checkpoint = Checkpoint {
                origin: key.public().name().to_owned(),
                size: self.edge.size(),
                root: self.edge.root(),
                extensions: Vec::new(),
            };
            self.phase = Phase::Publish(Publish::Write, checkpoint.sign(key));
        }
        let (next, name) = self.target.names();
        match &self.phase {
            Phase::Publish(Publish::Write, note) => Step::Write {
                path: next.to_owned(),
                bytes: note.to_string().into_bytes(),
            },
            Phase::Publish(Publish::SyncNext | Publish::SyncFound | Publish::SyncName, _) => {
                Step::Sync
            }
            Phase::Publish(Publish::Rename, _) => Step::Rename {
                from: next,
                to: name,
            },
            Phase::Tiles(_) | Phase::Tidy => Step::Remove {
                path: self.outdated.pop_front().unwrap_or_default(),
            },
        }
    }

    pub(super) fn done(&mut self) -> Outcome {
        let Phase::Publish(at, note) = &mut self.phase else {
            return Outcome::More;
        };
        *at = match at {
            Publish::Write => Publish::SyncNext,
            Publish::SyncNext | Publish::SyncFound => Publish::Rename,
            Publish::Rename => Publish::SyncName,
            Publish::SyncName => {
                let note = note.clone();
                self.phase = Phase::Tidy;
                return self.outcome(note);
            }
        };
        Outcome::More
    }

    pub(super) fn failed(&mut self) -> Failure {
        match (&mut self.phase, self.target) {
            (Phase::Tiles(_), _) => Failure::Refuse,
            (Phase::Publish(..), Target::Witnessed(_)) => Failure::Drop,
            (Phase::Publish(at, _), Target::Checkpoint) => {
                // After a failed sync nobody knows what of the file is there.
                // Once renamed it is not written again: others have seen it.
                if *at == Publish::SyncNext {
                    *at = Publish::Write;
                }
                Failure::Retry
            }
            (Phase::Tidy, _) => Failure::Ignore,
        }
    }

    fn outcome(&mut self, note: Note) -> Outcome {
        match self.target {
            Target::Checkpoint => Outcome::Published(Box::new(Head {
                edge: self.edge.clone(),
                bundle: std::mem::take(&mut self.bundle),
                note,
            })),
            Target::Witnessed(size) => Outcome::Witnessed(size, note),
        }
    }
}

fn write(tile: &Tile, bytes: Vec<u8>) -> Step {
    Step::Write {
        path: tile.to_string(),
        bytes,
    }
}

/// The bundle of the leaves under a tile of level 0.
pub(super) const fn entries_of(tile: Tile) -> Tile {
    Tile {
        kind: Kind::Entries,
        ..tile
    }
}

fn was_partial(edge: &Edge, tile: &Tile) -> bool {
    let level = match tile.kind {
        Kind::Hashes(level) => level,
        Kind::Entries => 0,
    };
    edge.partial(level)
        .is_some_and(|partial| partial.index == tile.index)
}
