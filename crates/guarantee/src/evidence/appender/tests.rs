//! A disk that forgets what was not synced, and a log on it that is killed.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::evidence::audit::Audit;
use crate::evidence::files::{CHECKPOINT, Files, NEXT};
use crate::evidence::hash::Hash;

type Contents = BTreeMap<String, Vec<u8>>;

/// What programs see, and what is left after a loss of power.
#[derive(Clone, Debug, Default)]
struct Disk {
    seen: Contents,
    durable: Contents,
    unsynced: Vec<Step>,
}

impl Files for Disk {
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, String> {
        Ok(self.seen.get(path).cloned())
    }
}

fn apply(to: &mut Contents, step: &Step) {
    match step {
        Step::Write { path, bytes } => {
            to.insert(path.clone(), bytes.clone());
        }
        Step::Rename { from, to: name } => {
            if let Some(bytes) = to.remove(*from) {
                to.insert((*name).to_owned(), bytes);
            }
        }
        Step::Remove { path } => to.retain(|file, _| !file.starts_with(&format!("{path}/"))),
        Step::Sync => {}
    }
}

impl Disk {
    fn step(&mut self, step: &Step) {
        apply(&mut self.seen, step);
        if *step == Step::Sync {
            self.durable = self.seen.clone();
            self.unsynced.clear();
        } else {
            self.unsynced.push(step.clone());
        }
    }

    /// A step that does only a part of its work, as on a full disk.
    fn fail(&mut self, step: &Step, rng: &mut Rng) {
        if let Step::Write { path, bytes } = step {
            let bytes = bytes[..rng.below(bytes.len())].to_vec();
            self.step(&Step::Write {
                path: path.clone(),
                bytes,
            });
        }
    }

    /// What was not synced is there, or not, or in part; each by itself.
    fn lose_power(&mut self, rng: &mut Rng) {
        for step in std::mem::take(&mut self.unsynced) {
            match (rng.below(3), step) {
                (0, _) => {}
                (1, Step::Write { path, mut bytes }) => {
                    bytes.truncate(rng.below(bytes.len()));
                    self.durable.insert(path, bytes);
                }
                (_, step) => apply(&mut self.durable, &step),
            }
        }
        self.seen = self.durable.clone();
    }
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % (n as u64).max(1)) as usize
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed("example.com/log", Algorithm::Ed25519, [3; 32]).unwrap()
}

/// A log, and what the world was told by it.
struct World {
    disk: Disk,
    log: Appender,
    now: Duration,
    rng: Rng,
    /// Leaves by their index, acknowledged or not yet.
    given: Vec<Vec<u8>>,
    acknowledged: u64,
    /// Roots that others could see, by size.
    seen: BTreeMap<u64, Hash>,
    /// Roots signed since the last start, by size.
    signed: BTreeMap<u64, Hash>,
    count: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut disk = Disk::default();
        let log = Appender::open(key(), Settings::default(), &mut disk).unwrap();
        Self {
            disk,
            log,
            now: Duration::ZERO,
            rng: Rng(seed),
            given: Vec::new(),
            acknowledged: 0,
            seen: BTreeMap::new(),
            signed: BTreeMap::new(),
            count: 0,
        }
    }

    fn append(&mut self, n: usize) {
        for _ in 0..n {
            self.count += 1;
            let leaf = format!("leaf {}", self.count).into_bytes();
            let index = self.log.handle_leaves(vec![leaf.clone()]).unwrap().start;
            self.given.truncate(usize::try_from(index).unwrap());
            assert_eq!(self.given.len() as u64, index);
            self.given.push(leaf);
        }
    }

    /// Does the next step; says whether there was one.
    fn step(&mut self, fail: bool) -> bool {
        self.now += Duration::from_secs(1);
        let Some(step) = self.log.poll_step(self.now) else {
            return false;
        };
        self.note_signature(&step);
        if fail {
            self.disk.fail(&step, &mut self.rng);
            self.log.handle_failed(self.now);
        } else {
            self.disk.step(&step);
            self.note_visible(&step);
            self.log.handle_done();
        }
        while let Some(event) = self.log.poll_event() {
            match event {
                Event::Published { size, .. } => {
                    assert!(size >= self.acknowledged);
                    self.acknowledged = size;
                }
                Event::Refused => self
                    .given
                    .truncate(usize::try_from(self.log.size()).unwrap()),
                Event::Witnessed { .. } => {}
            }
        }
        true
    }

    fn note_signature(&mut self, step: &Step) {
        if let Step::Write { path, bytes } = step
            && path == NEXT
        {
            let note = Note::parse(bytes).unwrap();
            let checkpoint = Checkpoint::open(&note, key().public()).unwrap();
            let old = self.signed.insert(checkpoint.size, checkpoint.root);
            assert!(old.is_none_or(|old| old == checkpoint.root), "signed twice");
        }
    }

    fn note_visible(&mut self, step: &Step) {
        if matches!(step, Step::Rename { to, .. } if *to == CHECKPOINT) {
            let note = Note::parse(&self.disk.seen[CHECKPOINT]).unwrap();
            let checkpoint = Checkpoint::open(&note, key().public()).unwrap();
            let old = self.seen.insert(checkpoint.size, checkpoint.root);
            assert!(old.is_none_or(|old| old == checkpoint.root), "forked");
            self.check(&checkpoint);
        }
    }

    /// What can be seen is whole, and continues all that could be seen before.
    fn check(&mut self, head: &Checkpoint) {
        let mut audit = Audit::open(&mut self.disk, key().public()).unwrap();
        assert_eq!(audit.head(), head);
        let mut leaves = Vec::new();
        for bundle in 0..audit.bundles() {
            let keep = |_, leaf: &[u8]| {
                leaves.push(leaf.to_vec());
                Ok(())
            };
            audit.handle_bundle(&mut self.disk, bundle, keep).unwrap();
        }
        let acknowledged = usize::try_from(self.acknowledged).unwrap();
        assert!(leaves.len() >= acknowledged, "acknowledged leaves are lost");
        assert_eq!(leaves[..acknowledged], self.given[..acknowledged]);
        for (size, root) in self.seen.clone() {
            let earlier = Checkpoint {
                size,
                root,
                ..head.clone()
            };
            audit.continues(&mut self.disk, &earlier).unwrap();
        }
    }

    fn crash(&mut self, power: bool) {
        if power {
            self.disk.lose_power(&mut self.rng);
        }
        self.log = Appender::open(key(), Settings::default(), &mut self.disk).unwrap();
        self.signed.clear();
        assert!(
            self.log.size() >= self.acknowledged,
            "acknowledged leaves are lost"
        );
        let size = usize::try_from(self.log.size()).unwrap();
        assert!(self.given.len() >= size);
        self.given.truncate(size);
    }

    fn drain(&mut self) {
        while self.step(false) {}
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Append(usize),
    Step(usize),
    Fail,
    Kill,
    LosePower,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => prop_oneof![1usize..8, 200usize..600].prop_map(Act::Append),
        6 => (1usize..12).prop_map(Act::Step),
        1 => Just(Act::Fail),
        1 => Just(Act::Kill),
        1 => Just(Act::LosePower),
    ];
    prop::collection::vec(act, 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn whatever_happens_nothing_acknowledged_is_lost_and_nothing_forks(seed: u64, acts in acts()) {
        let mut world = World::new(seed);
        for act in acts {
            match act {
                Act::Append(n) => world.append(n),
                Act::Step(n) => for _ in 0..n { world.step(false); },
                Act::Fail => { world.step(true); }
                Act::Kill => world.crash(false),
                Act::LosePower => world.crash(true),
            }
        }
        world.append(3);
        world.drain();
        prop_assert_eq!(world.acknowledged, world.given.len() as u64);
    }
}

/// Killed between writing a checkpoint and making it durable; the next run shows
/// it; then the power goes. Others have seen it, so it must still be there.
#[test]
fn a_checkpoint_that_was_found_is_durable_before_it_is_seen() {
    for seed in 0..50 {
        let mut world = World::new(seed);
        world.drain();
        world.append(1);
        while !world.signed.contains_key(&1) {
            world.step(false);
        }
        world.crash(false);
        while !world.seen.contains_key(&1) {
            assert!(world.step(false));
        }
        world.crash(true);
        world.append(3);
        world.drain();
        assert_eq!(world.acknowledged, 4);
    }
}

#[test]
fn a_loss_of_power_after_any_step() {
    let steps = {
        let mut world = World::new(0);
        world.append(300);
        world.drain();
        world.append(300);
        let mut steps = 0;
        while world.step(false) {
            steps += 1;
        }
        steps
    };
    assert!(steps > 8, "{steps}");
    for at in 0..=steps {
        for seed in 0..20 {
            let mut world = World::new(seed);
            world.append(300);
            world.drain();
            world.append(300);
            for _ in 0..at {
                world.step(false);
            }
            world.crash(true);
            world.append(300);
            world.drain();
        }
    }
}

#[test]
fn a_full_disk_refuses_until_there_is_room() {
    let mut world = World::new(1);
    world.append(10);
    world.drain();
    world.append(5);
    assert!(world.step(true));
    assert_eq!(world.given.len(), 10);
    world.append(7);
    world.drain();
    assert_eq!(world.acknowledged, 17);
}

#[test]
fn a_signed_checkpoint_is_tried_again() {
    let mut world = World::new(1);
    world.append(10);
    while !world.signed.contains_key(&10) {
        world.step(false);
    }
    for _ in 0..5 {
        world.step(true);
    }
    assert_eq!(world.given.len(), 10);
    world.drain();
    assert_eq!(world.acknowledged, 10);
}

#[test]
fn partial_tiles_go_when_they_are_full() {
    let mut world = World::new(1);
    for _ in 0..30 {
        world.append(10);
        world.drain();
    }
    let partial: Vec<&str> = world
        .disk
        .seen
        .keys()
        .map(String::as_str)
        .filter(|path| path.contains("000.p/"))
        .collect();
    assert_eq!(partial, ["tile/1/000.p/1"]);
    assert!(world.disk.seen.contains_key("tile/entries/001.p/44"));
}

#[test]
fn too_much_is_not_taken() {
    let settings = Settings {
        max_waiting: 2,
        ..Settings::default()
    };
    let mut log = Appender::open(key(), settings, &mut Disk::default()).unwrap();
    assert_eq!(log.handle_leaves(vec![vec![0; 65_535]]), Ok(0..1));
    assert_eq!(
        log.handle_leaves(vec![vec![0; 65_536]]),
        Err(AppendError::TooLong(TooLong(65_536)))
    );
    assert_eq!(
        log.handle_leaves(vec![Vec::new(); 2]),
        Err(AppendError::Full(1))
    );
    assert_eq!(log.handle_leaves(vec![Vec::new()]), Ok(1..2));
    assert_eq!(
        log.handle_leaves(vec![Vec::new()]),
        Err(AppendError::Full(2))
    );
}

#[test]
fn commits_wait_for_their_interval() {
    let mut disk = Disk::default();
    let mut log = Appender::open(key(), Settings::default(), &mut disk).unwrap();
    let mut at = |log: &mut Appender, ms| {
        let mut steps = 0;
        while let Some(step) = log.poll_step(Duration::from_millis(ms)) {
            disk.step(&step);
            log.handle_done();
            steps += 1;
        }
        steps
    };
    assert_eq!(at(&mut log, 0), 4, "the empty checkpoint");
    log.handle_leaves(vec![b"a".to_vec()]).unwrap();
    assert!(
        at(&mut log, 100) > 0,
        "the first leaf after a pause does not wait"
    );
    log.handle_leaves(vec![b"b".to_vec()]).unwrap();
    assert_eq!(log.poll_timeout(), Some(Duration::from_millis(1100)));
    assert_eq!(at(&mut log, 1099), 0);
    assert!(at(&mut log, 1100) > 0);
    assert_eq!(log.size(), 2);
    assert_eq!(log.poll_timeout(), None);
}

fn reopen(disk: &Disk, change: impl Fn(&mut Contents)) -> Result<(Appender, Disk), OpenError> {
    let mut disk = disk.clone();
    change(&mut disk.seen);
    let log = Appender::open(key(), Settings::default(), &mut disk)?;
    Ok((log, disk))
}

#[test]
fn damaged_files_are_named_or_made_again() {
    let mut world = World::new(1);
    world.append(300);
    world.drain();
    let disk = world.disk;
    let gone = |path: &'static str| {
        move |files: &mut Contents| {
            files.remove(path);
        }
    };
    let flipped = |path: &'static str| {
        move |files: &mut Contents| {
            files.get_mut(path).unwrap()[3] ^= 1;
        }
    };
    for path in ["tile/0/001.p/44", "tile/1/000.p/1"] {
        for (mut log, mut disk) in
            [reopen(&disk, gone(path)), reopen(&disk, flipped(path))].map(Result::unwrap)
        {
            while let Some(step) = log.poll_step(Duration::ZERO) {
                disk.step(&step);
                log.handle_done();
            }
            assert!(Audit::open(&mut disk, key().public()).is_ok(), "{path}");
        }
    }
    for (result, expected) in [
        (
            reopen(&disk, gone("tile/entries/001.p/44")),
            "tile/entries/001.p/44 is missing (leaves 256 to 299): take the file from a copy of the log",
        ),
        (
            reopen(&disk, flipped("tile/entries/001.p/44")),
            "tile/entries/001.p/44 is damaged at leaf 256: it is not the entry that was signed for: take the file from a copy of the log",
        ),
        (
            reopen(&disk, gone(CHECKPOINT)),
            "the file `checkpoint` is missing, though `tile/0/000` is there: take it from a copy of the log; a log that starts again would contradict what it has signed",
        ),
        (
            reopen(&disk, flipped(CHECKPOINT)),
            "the file `checkpoint` is not a checkpoint of this log: the signature of example.com/log does not fit the text: one of them was changed: take it from a copy of the log, or bring back the key that signed it",
        ),
    ] {
        assert_eq!(result.unwrap_err().to_string(), expected);
    }
}

#[test]
fn witnesses_are_kept_together() {
    let mut world = World::new(1);
    world.append(3);
    world.drain();
    let witness = |name| SigningKey::from_seed(name, Algorithm::Cosignature, [9; 32]).unwrap();
    let (one, two, stranger) = (witness("one"), witness("two"), witness("stranger"));
    let known = [one.public().clone(), two.public().clone()];
    let signed = |by: &SigningKey| {
        let mut note = world.log.published().clone();
        note.cosign(by, 1_000);
        note
    };
    let notes = [signed(&one), signed(&two), signed(&stranger)];
    assert_eq!(world.log.handle_witness(&notes[0], &known), Ok(3));
    assert_eq!(
        world.log.handle_witness(&notes[1], &known),
        Err(WitnessError::Busy)
    );
    world.drain();
    assert_eq!(world.log.handle_witness(&notes[1], &known), Ok(3));
    world.drain();
    let kept = world.log.witnessed().unwrap();
    assert_eq!(kept.signatures.len(), 3);
    let mut audit = Audit::open(&mut world.disk, key().public()).unwrap();
    let seen = audit
        .witnessed(&mut world.disk, key().public(), two.public())
        .unwrap();
    assert_eq!((seen.size, seen.time), (3, Some(1_000)));
    assert!(
        audit
            .witnessed(&mut world.disk, key().public(), stranger.public())
            .is_err()
    );
    world.append(3);
    world.drain();
    let mut newer = world.log.published().clone();
    newer.cosign(&stranger, 1_000);
    assert_eq!(
        world.log.handle_witness(&newer, &known),
        Err(WitnessError::NoWitness)
    );
    let mut forged = notes[0].clone();
    forged.text = forged.text.replace("\n3\n", "\n4\n");
    assert!(matches!(
        world.log.handle_witness(&forged, &known),
        Err(WitnessError::Checkpoint(_))
    ));
    world.crash(true);
    assert_eq!(world.log.witnessed().unwrap().signatures.len(), 3);
}
