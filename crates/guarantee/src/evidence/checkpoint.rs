//! The head of the tree: how many leaves, and their hash.
//! [C2SP tlog-checkpoint](https://c2sp.org/tlog-checkpoint)

use std::fmt;
use std::str::FromStr;

use super::hash::Hash;
use super::key::{SigningKey, VerifyingKey};
use super::note::{Note, NoteError};

/// Lines behind the three known ones: other logs may have a few, ours has none.
const MAX_EXTENSIONS: usize = 16;

/// What a log says of itself at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// The hash of the tree over them.
    pub root: Hash,
    /// Lines that say something to somebody else; none of them is empty.
    pub extensions: Vec<String>,
}

/// What is wrong with a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A line of the text.
    #[error("line {line} of the checkpoint is wrong: {expected} must stand there")]
    Line {
        /// From 1.
        line: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// It is another log's.
    #[error("this is a checkpoint of the log `{found}`, not of `{expected}`")]
    Origin {
        /// In the text.
        found: String,
        /// The name of the key.
        expected: String,
    },
}

impl Checkpoint {
    /// Signs it: the text of the file `checkpoint`.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> Note {
        Note::sign(self.to_string(), key)
    }

    /// Reads a signed checkpoint of the log whose key is given; the origin must
    /// be the key's name.
    ///
    /// # Errors
    /// The note or its text is malformed, or the log did not sign it.
    pub fn open(note: &Note, log: &VerifyingKey) -> Result<Self, CheckpointError> {
        note.verify(log)?;
        let checkpoint: Self = note.text.parse()?;
        if checkpoint.origin != log.name() {
            return Err(CheckpointError::Origin {
                found: checkpoint.origin,
                expected: log.name().to_owned(),
            });
        }
        Ok(checkpoint)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, self.root)?;
        self.extensions
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let wrong = |line, expected| CheckpointError::Line { line, expected };
        let body = text
            .strip_suffix('\n')
            .ok_or_else(|| wrong(text.lines().count(), "an end of line"))?;
        let mut lines = body.split('\n');
        let origin = lines.next().filter(|origin| !origin.is_empty());
        let origin = origin.ok_or_else(|| wrong(1, "the log's name"))?;
        let size = lines.next().and_then(|size| {
            let number: u64 = size.parse().ok()?;
            (number.to_string() == size).then_some(number)
        });
        let size = size.ok_or_else(|| wrong(2, "the number of leaves"))?;
        let root = lines.next().and_then(|root| root.parse().ok());
        let root = root.ok_or_else(|| wrong(3, "32 bytes in base64, the hash of the tree"))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.len() > MAX_EXTENSIONS {
            return Err(wrong(
                4 + MAX_EXTENSIONS,
                "nothing: there are too many extensions",
            ));
        }
        if let Some(at) = extensions.iter().position(String::is_empty) {
            return Err(wrong(4 + at, "an extension, which is never empty"));
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
            extensions,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::key::Algorithm;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_the_specification() {
        let text =
            "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
        let checkpoint: Checkpoint = text.parse().unwrap();
        assert_eq!(checkpoint.origin, "example.com/behind-the-sofa");
        assert_eq!(checkpoint.size, 20_852_163);
        assert_eq!(checkpoint.to_string(), text);
    }

    #[test]
    fn a_wrong_line_is_named() {
        let root = Hash::empty();
        for (text, line) in [
            (format!("\n0\n{root}\n"), 1),
            (format!("a\n01\n{root}\n"), 2),
            (format!("a\n+1\n{root}\n"), 2),
            (format!("a\n18446744073709551616\n{root}\n"), 2),
            ("a\n1\nAAAA\n".into(), 3),
            ("a\n1\n".into(), 3),
            (format!("a\n1\n{root}\n\n"), 4),
            (format!("a\n1\n{root}"), 3),
        ] {
            let error = text.parse::<Checkpoint>().unwrap_err();
            let CheckpointError::Line { line: found, .. } = error else {
                panic!("{error}")
            };
            assert_eq!(found, line, "{text}");
        }
    }

    #[test]
    fn a_checkpoint_is_of_the_log_that_signed_it() {
        let key = |name| SigningKey::from_seed(name, Algorithm::Ed25519, [1; 32]).unwrap();
        let checkpoint = Checkpoint {
            origin: "a".into(),
            size: 0,
            root: Hash::empty(),
            extensions: Vec::new(),
        };
        let note = checkpoint.sign(&key("a"));
        assert_eq!(
            Checkpoint::open(&note, key("a").public()),
            Ok(checkpoint.clone())
        );
        assert!(Checkpoint::open(&note, key("b").public()).is_err());
        let strange = checkpoint.sign(&key("b"));
        assert!(matches!(
            Checkpoint::open(&strange, key("b").public()),
            Err(CheckpointError::Origin { .. })
        ));
    }

    proptest! {
        #[test]
        fn checkpoints_are_those_of_another_implementation(size in 0u64..1 << 62, root: [u8; 32]) {
            let ours = Checkpoint { origin: "example.com/log".into(), size, root: Hash(root), extensions: Vec::new() };
            let theirs = tlog_tiles::Checkpoint::from_bytes(ours.to_string().as_bytes()).unwrap();
            prop_assert_eq!(theirs.size(), size);
            prop_assert_eq!(theirs.hash().0, root);
            prop_assert_eq!(theirs.to_bytes(), ours.to_string().into_bytes());
        }

        #[test]
        fn what_parses_is_written_the_same(text in "[a-c]{0,2}\n[0-9]{1,3}\n[A-B]{43}=\n([a-c\n]{0,4}\n)?") {
            if let Ok(checkpoint) = text.parse::<Checkpoint>() {
                prop_assert_eq!(checkpoint.to_string(), text);
            }
        }
    }
}
