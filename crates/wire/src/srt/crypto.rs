//! Encryption (draft-sharabayko-srt-01 §6): a key from the passphrase wraps the
//! keys of the stream, which encrypt payloads by AES in counter mode.

use std::fmt;
use std::num::NonZeroU32;

use aws_lc_rs::cipher::{self, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::key_wrap::{self, AesKek, KeyWrap};
use aws_lc_rs::pbkdf2;

/// §6.1.4.
const ITERATIONS: NonZeroU32 = NonZeroU32::new(2048).unwrap();
const SIGNATURE: u16 = 0x2029;
const CIPHER_AES_CTR: u8 = 2;
const SALT_BYTES: usize = 16;
/// What wrapping adds (RFC 3394).
const WRAP_BYTES: usize = 8;
/// Bits of the KK fields.
const EVEN: u8 = 1;
const ODD: u8 = 2;

/// A shared secret of 10 to 79 bytes, as libsrt has it.
#[derive(Clone, PartialEq, Eq)]
pub struct Passphrase(String);

impl Passphrase {
    /// `None` where the length is not allowed.
    #[must_use]
    pub fn new(text: String) -> Option<Self> {
        (10..=79).contains(&text.len()).then_some(Self(text))
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(…)")
    }
}

/// Why a key message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It is damaged, or asks for another cipher.
    Message,
    /// The passphrase is another one.
    Secret,
}

/// The keys of a stream's two directions.
pub(super) struct Keys {
    salt: [u8; SALT_BYTES],
    kek: Vec<u8>,
    even: Option<DecryptingKey>,
    odd: Option<DecryptingKey>,
    /// The one that encrypts now: [`EVEN`] or [`ODD`].
    sending: u8,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// From the key message of the side that calls (§3.2.2).
    pub(super) fn open(message: &[u8], passphrase: &Passphrase) -> Result<Self, Wrong> {
        let message = Message::parse(message).ok_or(Wrong::Message)?;
        let kek = derive(passphrase, &message.salt, message.key_bytes);
        let mut keys = Self {
            salt: message.salt,
            kek,
            even: None,
            odd: None,
            sending: if message.which & EVEN != 0 { EVEN } else { ODD },
        };
        keys.take(&message)?;
        Ok(keys)
    }

    /// New keys for a call, and the message that tells them. `secret` is random:
    /// salt, then key.
    pub(super) fn new(passphrase: &Passphrase, secret: &[u8; 32]) -> Option<(Self, Vec<u8>)> {
        let (salt, key) = secret.split_first_chunk::<SALT_BYTES>()?;
        let kek = derive(passphrase, salt, key.len());
        let mut wrapped = vec![0; key.len() + WRAP_BYTES];
        aes_kek(&kek)?.wrap(key, &mut wrapped).ok()?;
        let mut message = vec![0x12];
        message.extend(SIGNATURE.to_be_bytes());
        message.extend([EVEN, 0, 0, 0, 0, CIPHER_AES_CTR, 0, 2, 0, 0, 0]);
        message.extend([(SALT_BYTES / 4) as u8, (key.len() / 4) as u8]);
        message.extend(salt);
        message.extend(wrapped);
        let keys = Self {
            salt: *salt,
            kek,
            even: Some(counter_key(key)?),
            odd: None,
            sending: EVEN,
        };
        Some((keys, message))
    }

    /// A later key message of the other side: the keys change while the stream
    /// runs (§6.1.6).
    pub(super) fn refresh(&mut self, message: &[u8]) -> Result<(), Wrong> {
        let message = Message::parse(message).ok_or(Wrong::Message)?;
        // The passphrase stays, so does the salt: no key is derived again, which
        // would cost a millisecond for each packet of an attacker.
        if message.salt != self.salt || message.key_bytes != self.kek.len() {
            return Err(Wrong::Message);
        }
        self.take(&message)
    }

    fn take(&mut self, message: &Message<'_>) -> Result<(), Wrong> {
        let mut plain = vec![0; message.wrapped.len() - WRAP_BYTES];
        aes_kek(&self.kek)
            .ok_or(Wrong::Message)?
            .unwrap(message.wrapped, &mut plain)
            .map_err(|_| Wrong::Secret)?;
        let mut keys = plain.chunks_exact(message.key_bytes);
        for (bit, place) in [(EVEN, &mut self.even), (ODD, &mut self.odd)] {
            if message.which & bit != 0
                && let Some(key) = keys.next()
            {
                *place = Some(counter_key(key).ok_or(Wrong::Message)?);
            }
        }
        Ok(())
    }

    /// Decrypts in place; false where the key is not there.
    pub(super) fn decrypt(&mut self, which: u8, seq: u32, payload: &mut [u8]) -> bool {
        let done = self.apply(which, seq, payload);
        // The side that called decides which key is in use, for both ways.
        if done {
            self.sending = which;
        }
        done
    }

    /// Encrypts in place; by which key.
    pub(super) fn encrypt(&self, seq: u32, payload: &mut [u8]) -> Option<u8> {
        self.apply(self.sending, seq, payload)
            .then_some(self.sending)
    }

    /// Counter mode is its own inverse.
    fn apply(&self, which: u8, seq: u32, payload: &mut [u8]) -> bool {
        let key = match which {
            EVEN => &self.even,
            ODD => &self.odd,
            _ => return false,
        };
        let Some(key) = key else {
            return false;
        };
        let iv = DecryptionContext::Iv128(FixedLength::from(self.counter(seq)));
        key.decrypt(payload, iv).is_ok()
    }

    /// The first block: 112 bits of the salt, the packet's number over the last
    /// 32 of them, then 16 bits that count blocks (§6.2.2).
    fn counter(&self, seq: u32) -> [u8; 16] {
        let mut counter = self.salt;
        counter[14..].fill(0);
        for (byte, number) in counter[10..14].iter_mut().zip(seq.to_be_bytes()) {
            *byte ^= number;
        }
        counter
    }
}

/// A key message (§3.2.2). Keys of 24 bytes are not taken: the library underneath
/// does not wrap them, and no encoder has them as its default.
struct Message<'a> {
    which: u8,
    key_bytes: usize,
    salt: [u8; SALT_BYTES],
    wrapped: &'a [u8],
}

impl<'a> Message<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<16>()?;
        let [
            first,
            s0,
            s1,
            which,
            _,
            _,
            _,
            _,
            cipher,
            _,
            _,
            _,
            _,
            _,
            salt_words,
            key_words,
        ] = *head;
        let understood = first == 0x12
            && u16::from_be_bytes([s0, s1]) == SIGNATURE
            && cipher == CIPHER_AES_CTR
            && usize::from(salt_words) * 4 == SALT_BYTES
            && matches!(key_words, 4 | 8);
        let (salt, rest) = rest.split_first_chunk::<SALT_BYTES>()?;
        let which = which & 3;
        let key_bytes = usize::from(key_words) * 4;
        let wrapped = rest.get(..WRAP_BYTES + key_bytes * which.count_ones() as usize)?;
        (understood && which != 0).then_some(Self {
            which,
            key_bytes,
            salt: *salt,
            wrapped,
        })
    }
}

/// By the salt's last 64 bits (§6.1.4).
fn derive(passphrase: &Passphrase, salt: &[u8; SALT_BYTES], bytes: usize) -> Vec<u8> {
    let mut key = vec![0; bytes];
    pbkdf2::derive(
        pbkdf2::PBKDF2_HMAC_SHA1,
        ITERATIONS,
        &salt[SALT_BYTES - 8..],
        passphrase.0.as_bytes(),
        &mut key,
    );
    key
}

fn aes_kek(key: &[u8]) -> Option<AesKek> {
    let algorithm = match key.len() {
        16 => &key_wrap::AES_128,
        _ => &key_wrap::AES_256,
    };
    AesKek::new(algorithm, key).ok()
}

fn counter_key(key: &[u8]) -> Option<DecryptingKey> {
    let algorithm = match key.len() {
        16 => &cipher::AES_128,
        _ => &cipher::AES_256,
    };
    DecryptingKey::ctr(UnboundCipherKey::new(algorithm, key).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(text.to_owned()).unwrap()
    }

    #[test]
    fn both_sides_have_the_keys() {
        let (caller, message) = Keys::new(&passphrase("correct horse"), &[7; 32]).unwrap();
        let mut listener = Keys::open(&message, &passphrase("correct horse")).unwrap();
        let mut payload = b"188 bytes of it".to_vec();
        let which = caller.encrypt(5, &mut payload).unwrap();
        assert_ne!(payload, b"188 bytes of it");
        assert!(listener.decrypt(which, 5, &mut payload));
        assert_eq!(payload, b"188 bytes of it");
        assert!(!listener.decrypt(ODD, 5, &mut payload));
        assert_eq!(listener.refresh(&message), Ok(()));
    }

    #[test]
    fn another_passphrase_does_not_open() {
        let (_, mut message) = Keys::new(&passphrase("correct horse"), &[7; 32]).unwrap();
        assert_eq!(
            Keys::open(&message, &passphrase("wrong staple")).err(),
            Some(Wrong::Secret)
        );
        for length in 0..message.len() {
            let cut = Keys::open(&message[..length], &passphrase("correct horse"));
            assert_eq!(cut.err(), Some(Wrong::Message));
        }
        message[3] = 3;
        assert_eq!(
            Keys::open(&message, &passphrase("correct horse")).err(),
            Some(Wrong::Message)
        );
    }
}
