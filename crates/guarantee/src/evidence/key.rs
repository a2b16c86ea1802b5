//! Keys of logs and witnesses, as text.
//! [C2SP signed-note](https://c2sp.org/signed-note), "Verifier keys"

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Longest name of a key: a URL without scheme, as long as a host name can be.
const MAX_NAME: usize = 255;

/// What a signature says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// The text as it stands: a log's signature.
    Ed25519,
    /// The text, seen at a time: a witness's signature.
    /// [C2SP tlog-cosignature](https://c2sp.org/tlog-cosignature)
    Cosignature,
}

impl Algorithm {
    const fn byte(self) -> u8 {
        match self {
            Self::Ed25519 => 1,
            Self::Cosignature => 4,
        }
    }
}

/// A key that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The name breaks the format.
    #[error(
        "`{0}` is no name for a key: 1 to {MAX_NAME} bytes without spaces, `+` and control characters"
    )]
    Name(String),
    /// Not the text of a public key.
    #[error("this is not a public key: write it like `example.com/log+0123abcd+AQ…`")]
    Public,
    /// Not the text of a private key.
    #[error("this is not a private key: it looks like `PRIVATE+KEY+example.com/log+0123abcd+AQ…`")]
    Private,
    /// The number in the text is not that of the key in it.
    #[error("the key is damaged: it says its id is {said:08x}, and it is {is:08x}")]
    Id {
        /// In the text.
        said: u32,
        /// Computed.
        is: u32,
    },
    /// A kind of signature that is not spoken here.
    #[error(
        "signatures of type {0:#04x} are not known here: 0x01 (Ed25519) and 0x04 (witness) are"
    )]
    Algorithm(u8),
}

/// Checks a key's name.
///
/// # Errors
/// [`KeyError::Name`]
pub fn check_name(name: &str) -> Result<(), KeyError> {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.len() > MAX_NAME || name.contains(bad) {
        return Err(KeyError::Name(name.chars().take(80).collect()));
    }
    Ok(())
}

fn key_id(name: &str, algorithm: Algorithm, public: &[u8; 32]) -> u32 {
    let mut context = Context::new(&SHA256);
    for part in [name.as_bytes(), b"\n", &[algorithm.byte()], public] {
        context.update(part);
    }
    let digest = context.finish();
    digest
        .as_ref()
        .iter()
        .take(4)
        .fold(0, |id, byte| id << 8 | u32::from(*byte))
}

/// Checks signatures. Its text is `name+id+key`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VerifyingKey {
    name: String,
    algorithm: Algorithm,
    public: [u8; 32],
    id: u32,
}

impl VerifyingKey {
    /// Whose key it is.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its signatures say.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Tells it from others of the same name.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public)
            .verify(message, signature)
            .is_ok()
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = typed(self.algorithm, &self.public);
        write!(f, "{}+{:08x}+{key}", self.name, self.id)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

impl FromStr for VerifyingKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        // The base64 of the key can contain `+`, the name and the id cannot.
        let mut parts = text.splitn(3, '+');
        let (name, said, key) = match (parts.next(), parts.next(), parts.next()) {
            (Some(name), Some(said), Some(key)) => (name, said, key),
            _ => return Err(KeyError::Public),
        };
        check_name(name)?;
        let said = parse_id(said).ok_or(KeyError::Public)?;
        let (algorithm, public) = untyped(key, KeyError::Public)?;
        let id = key_id(name, algorithm, &public);
        if id != said {
            return Err(KeyError::Id { said, is: id });
        }
        Ok(Self {
            name: name.to_owned(),
            algorithm,
            public,
            id,
        })
    }
}

/// Makes signatures.
pub struct SigningKey {
    public: VerifyingKey,
    seed: [u8; 32],
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// A key from 32 secret random bytes.
    ///
    /// # Errors
    /// [`KeyError::Name`]
    pub fn from_seed(name: &str, algorithm: Algorithm, seed: [u8; 32]) -> Result<Self, KeyError> {
        check_name(name)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| KeyError::Private)?;
        let mut public = [0; 32];
        public.copy_from_slice(pair.public_key().as_ref());
        let public = VerifyingKey {
            name: name.to_owned(),
            algorithm,
            public,
            id: key_id(name, algorithm, &public),
        };
        Ok(Self { public, seed, pair })
    }

    /// Reads what [`SigningKey::secret_text`] wrote.
    ///
    /// # Errors
    /// The text is not that of a private key, or it is damaged.
    pub fn from_secret_text(text: &str) -> Result<Self, KeyError> {
        let rest = text.strip_prefix("PRIVATE+KEY+").ok_or(KeyError::Private)?;
        let mut parts = rest.splitn(3, '+');
        let (name, said, key) = match (parts.next(), parts.next(), parts.next()) {
            (Some(name), Some(said), Some(key)) => (name, said, key),
            _ => return Err(KeyError::Private),
        };
        let said = parse_id(said).ok_or(KeyError::Private)?;
        let (algorithm, seed) = untyped(key, KeyError::Private)?;
        let key = Self::from_seed(name, algorithm, seed)?;
        if key.public.id != said {
            let is = key.public.id;
            return Err(KeyError::Id { said, is });
        }
        Ok(key)
    }

    /// The private key as text, to be kept in a file that nobody else reads.
    #[must_use]
    pub fn secret_text(&self) -> String {
        let key = typed(self.public.algorithm, &self.seed);
        let VerifyingKey { name, id, .. } = &self.public;
        format!("PRIVATE+KEY+{name}+{id:08x}+{key}")
    }

    /// What checks its signatures.
    #[must_use]
    pub const fn public(&self) -> &VerifyingKey {
        &self.public
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public)
    }
}

fn parse_id(text: &str) -> Option<u32> {
    let plain = text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(text, 16).ok()).flatten()
}

fn typed(algorithm: Algorithm, key: &[u8; 32]) -> String {
    let mut bytes = vec![algorithm.byte()];
    bytes.extend_from_slice(key);
    STANDARD.encode(bytes)
}

fn untyped(text: &str, wrong: KeyError) -> Result<(Algorithm, [u8; 32]), KeyError> {
    let Ok(bytes) = STANDARD.decode(text) else {
        return Err(wrong);
    };
    let Some((kind, key)) = bytes.split_first() else {
        return Err(wrong);
    };
    let algorithm = match kind {
        1 => Algorithm::Ed25519,
        4 => Algorithm::Cosignature,
        other => return Err(KeyError::Algorithm(*other)),
    };
    let key = key.try_into().map_err(|_| wrong)?;
    Ok((algorithm, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use signed_note::{Signer as _, Verifier as _};

    /// The example keys of Go's `golang.org/x/mod/sumdb/note`.
    const VKEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SKEY: &str =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";

    #[test]
    fn published_keys_are_read() {
        let public: VerifyingKey = VKEY.parse().unwrap();
        let private = SigningKey::from_secret_text(SKEY).unwrap();
        assert_eq!(private.public(), &public);
        assert_eq!(private.secret_text(), SKEY);
        assert_eq!(public.to_string(), VKEY);
        assert!(!format!("{private:?}").contains("AYEK"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for (text, expected) in [
            ("", KeyError::Public),
            ("name", KeyError::Public),
            ("name+1+AQ==", KeyError::Public),
            ("a b+c74f20a3+AQ==", KeyError::Name("a b".into())),
            ("a+c74f20a3+Bg==", KeyError::Algorithm(6)),
            ("a+c74f20a3+AQ==", KeyError::Public),
            (
                "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                KeyError::Id {
                    said: 0xc74f_20a4,
                    is: 0xc74f_20a3,
                },
            ),
        ] {
            assert_eq!(text.parse::<VerifyingKey>(), Err(expected), "{text}");
        }
        assert!(SigningKey::from_secret_text(VKEY).is_err());
    }

    proptest! {
        #[test]
        fn keys_are_those_of_another_implementation(seed: [u8; 32], name in "[a-z./]{1,30}") {
            let ours = SigningKey::from_seed(&name, Algorithm::Ed25519, seed).unwrap();
            let theirs = signed_note::StandardSigner::new(&ours.secret_text()).unwrap();
            prop_assert_eq!(theirs.key_id(), ours.public().id());
            prop_assert_eq!(theirs.sign(b"text\n").unwrap(), ours.sign(b"text\n"));
            let verifier = signed_note::StandardVerifier::new(&ours.public().to_string()).unwrap();
            prop_assert!(verifier.verify(b"text\n", &ours.sign(b"text\n")));
        }

        #[test]
        fn no_text_panics(text in ".{0,100}") {
            let _ = text.parse::<VerifyingKey>();
            let _ = SigningKey::from_secret_text(&text);
        }
    }
}
