//! Text signed by one or more keys.
//! [C2SP signed-note](https://c2sp.org/signed-note),
//! [C2SP tlog-cosignature](https://c2sp.org/tlog-cosignature)

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::key::{Algorithm, SigningKey, VerifyingKey, check_name};

/// Signatures of one note: the least that the format asks readers to accept,
/// and more than a log has witnesses.
pub const MAX_SIGNATURES: usize = 16;

/// Longest note: 16 signatures of the largest kind that the format knows (5 kB,
/// a third more in base64) and a text.
pub const MAX_NOTE: usize = 128 << 10;

/// What is wrong with a note.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// More bytes than [`MAX_NOTE`].
    #[error("the note has {0} bytes, and {MAX_NOTE} is the most")]
    TooLong(usize),
    /// Not UTF-8, or with control characters.
    #[error("the note is not plain text: byte {0} is not UTF-8 or a control character")]
    NotText(usize),
    /// No blank line with signatures behind it.
    #[error(
        "the note has no signatures: after the text there must be an empty line, then lines that begin with `— `"
    )]
    NoSignatures,
    /// More than [`MAX_SIGNATURES`].
    #[error("the note has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// A line that is no signature.
    #[error("line {0} of the note is not a signature: it must be `— NAME BASE64`")]
    Signature(usize),
    /// The signature of a known key is not over this text.
    #[error("the signature of {0} does not fit the text: one of them was changed")]
    Forged(String),
    /// No signature of the wanted key.
    #[error("the note is not signed by {0}")]
    NotSigned(String),
}

/// A signature under a note.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signature {
    /// Whose.
    pub name: String,
    /// Of which key.
    pub id: u32,
    /// The signature itself; what is in it depends on the key.
    pub bytes: Vec<u8>,
}

impl Signature {
    /// Whether it says that it was made by `key`.
    #[must_use]
    pub fn is_by(&self, key: &VerifyingKey) -> bool {
        self.name == key.name() && self.id == key.id()
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, bytes) = line.strip_prefix("— ")?.split_once(' ')?;
        check_name(name).ok()?;
        let bytes = STANDARD.decode(bytes).ok()?;
        let (id, bytes) = bytes.split_first_chunk()?;
        // A signature of nothing is none.
        (!bytes.is_empty()).then(|| Self {
            name: name.to_owned(),
            id: u32::from_be_bytes(*id),
            bytes: bytes.to_vec(),
        })
    }
}

impl fmt::Display for Signature {
    /// The line, without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.id.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.bytes);
        write!(f, "— {} {}", self.name, STANDARD.encode(bytes))
    }
}

/// A text and its signatures, none of which is believed before
/// [`Note::verify`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Ends with a newline.
    pub text: String,
    /// At least one, at most [`MAX_SIGNATURES`].
    pub signatures: Vec<Signature>,
}

impl Note {
    /// Signs `text`, which must end with a newline and have no control
    /// characters but newlines.
    #[must_use]
    pub fn sign(text: String, key: &SigningKey) -> Self {
        let signatures = vec![Signature {
            name: key.public().name().to_owned(),
            id: key.public().id(),
            bytes: key.sign(text.as_bytes()),
        }];
        Self { text, signatures }
    }

    /// Takes a note apart.
    ///
    /// # Errors
    /// See [`NoteError`]; signatures are not checked here.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        let note = plain_text(bytes)?;
        let split = note.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
        let (text, lines) = (&note[..=split], &note[split + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        let first = text.matches('\n').count() + 2;
        let mut signatures = Vec::new();
        for (at, line) in lines.split('\n').enumerate() {
            if signatures.len() == MAX_SIGNATURES {
                return Err(NoteError::TooManySignatures);
            }
            signatures.push(Signature::parse(line).ok_or(NoteError::Signature(first + at))?);
        }
        let text = text.to_owned();
        Ok(Self { text, signatures })
    }

    /// Whether `key` signed this text. A signature that claims to be by the key
    /// and is not spoils the note, whatever else is there. For a witness's key
    /// the time of signing comes with it, in seconds since 1970.
    ///
    /// # Errors
    /// [`NoteError::NotSigned`], [`NoteError::Forged`]
    pub fn verify(&self, key: &VerifyingKey) -> Result<Option<u64>, NoteError> {
        let mut found = None;
        for signature in self.signatures.iter().filter(|s| s.is_by(key)) {
            let time = check(&self.text, signature, key)
                .ok_or_else(|| NoteError::Forged(key.name().to_owned()))?;
            found = found.max(Some(time));
        }
        found.ok_or_else(|| NoteError::NotSigned(key.name().to_owned()))
    }

    /// Adds a witness's signature, made at `time` in seconds since 1970.
    pub fn cosign(&mut self, key: &SigningKey, time: u64) {
        let mut bytes = time.to_be_bytes().to_vec();
        bytes.extend(key.sign(cosigned(&self.text, time).as_bytes()));
        self.signatures.push(Signature {
            name: key.public().name().to_owned(),
            id: key.public().id(),
            bytes,
        });
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

fn plain_text(bytes: &[u8]) -> Result<&str, NoteError> {
    if bytes.len() > MAX_NOTE {
        return Err(NoteError::TooLong(bytes.len()));
    }
    let text = str::from_utf8(bytes).map_err(|e| NoteError::NotText(e.valid_up_to()))?;
    match bytes.iter().position(|b| *b < 0x20 && *b != b'\n') {
        Some(at) => Err(NoteError::NotText(at)),
        None => Ok(text),
    }
}

fn check(text: &str, signature: &Signature, key: &VerifyingKey) -> Option<Option<u64>> {
    match key.algorithm() {
        Algorithm::Ed25519 => key
            .accepts(text.as_bytes(), &signature.bytes)
            .then_some(None),
        Algorithm::Cosignature => {
            let (time, bytes) = signature.bytes.split_first_chunk()?;
            let time = u64::from_be_bytes(*time);
            let fits = i64::try_from(time).is_ok();
            let message = cosigned(text, time);
            (fits && key.accepts(message.as_bytes(), bytes)).then_some(Some(time))
        }
    }
}

fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(name: &str, algorithm: Algorithm) -> SigningKey {
        SigningKey::from_seed(name, algorithm, [7; 32]).unwrap()
    }

    #[test]
    fn the_example_of_the_specification() {
        let text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n";
        let line = "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";
        let note = Note::parse(format!("{text}\n{line}").as_bytes()).unwrap();
        assert_eq!(note.text, text);
        assert_eq!(note.signatures.len(), 1);
        assert_eq!(note.signatures[0].id, 0x367b_a04b);
        assert_eq!(note.to_string(), format!("{text}\n{line}"));
    }

    #[test]
    fn published_signatures_are_checked() {
        // From the tests of Go's `golang.org/x/mod/sumdb/note`.
        let peter: VerifyingKey =
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
                .parse()
                .unwrap();
        let note = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        assert_eq!(
            Note::parse(note.as_bytes()).unwrap().verify(&peter),
            Ok(None)
        );
        let changed = note.replace("cryptography", "Cryptography");
        assert_eq!(
            Note::parse(changed.as_bytes()).unwrap().verify(&peter),
            Err(NoteError::Forged("PeterNeumann".into()))
        );
    }

    #[test]
    fn a_witness_says_when() {
        let log = key("log", Algorithm::Ed25519);
        let witness = key("witness", Algorithm::Cosignature);
        let mut note = Note::sign("a\n".into(), &log);
        assert_eq!(
            note.verify(witness.public()),
            Err(NoteError::NotSigned("witness".into()))
        );
        note.cosign(&witness, 1_679_315_147);
        let mut note = Note::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!(note.verify(log.public()), Ok(None));
        assert_eq!(note.verify(witness.public()), Ok(Some(1_679_315_147)));
        note.signatures[1].bytes[7] ^= 1;
        assert!(note.verify(witness.public()).is_err());
    }

    #[test]
    fn what_is_no_note_is_refused() {
        for (bytes, expected) in [
            (&b""[..], NoteError::NoSignatures),
            (b"a\n", NoteError::NoSignatures),
            (b"a\n\n", NoteError::NoSignatures),
            (b"a\n\n\xe2\x80\x94 b AAAAAAA=", NoteError::NoSignatures),
            (b"a\n\nb\n", NoteError::Signature(3)),
            (b"a\n\n\xe2\x80\x94 b AAAA\n", NoteError::Signature(3)),
            (b"a\t\n\nb\n", NoteError::NotText(1)),
            (b"a\xff", NoteError::NotText(1)),
        ] {
            assert_eq!(Note::parse(bytes), Err(expected), "{bytes:?}");
        }
        let many = format!("a\n\n{}", "— b AAAAAAA=\n".repeat(17));
        assert_eq!(
            Note::parse(many.as_bytes()),
            Err(NoteError::TooManySignatures)
        );
    }

    proptest! {
        #[test]
        fn notes_are_those_of_another_implementation(seed: [u8; 32], text in "[ -~\n]{0,80}") {
            let text = format!("{text}\n");
            let key = SigningKey::from_seed("example.com/log", Algorithm::Ed25519, seed).unwrap();
            let ours = Note::sign(text.clone(), &key);
            let theirs = signed_note::Note::from_bytes(ours.to_string().as_bytes()).unwrap();
            let verifier = signed_note::StandardVerifier::new(&key.public().to_string()).unwrap();
            let known = signed_note::VerifierList::new(vec![Box::new(verifier)]);
            prop_assert!(theirs.verify(&known).is_ok());
            prop_assert_eq!(theirs.text(), text.as_bytes());
            let again = Note::parse(&theirs.to_bytes()).unwrap();
            prop_assert_eq!(&again, &ours);
            prop_assert_eq!(again.verify(key.public()), Ok(None));
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Note::parse(&bytes);
        }

        #[test]
        fn what_parses_is_written_the_same(text in "[a—\n +]{0,20}\n\n(— [a-b]{0,2} [A-C]{0,12}={0,2}\n){0,3}") {
            if let Ok(note) = Note::parse(text.as_bytes()) {
                let again = Note::parse(note.to_string().as_bytes());
                prop_assert_eq!(again, Ok(note));
            }
        }
    }
}
