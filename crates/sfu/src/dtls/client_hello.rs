//! Reads just enough of a ClientHello (RFC 6347 §4.2, RFC 8446 §4.1.2) to see
//! which SRTP profiles and versions the client offers.

/// A post-quantum key share makes a ClientHello of about 1.7 kB; twice that
/// leaves room, and a peer cannot make us hold more.
const MAX_BODY: usize = 4096;

/// A ClientHello of [`MAX_BODY`] bytes in fragments of 600 is seven packets.
const MAX_HELD: usize = 8;

/// `use_srtp`, RFC 5764 §4.1.
const EXT_USE_SRTP: u16 = 14;
/// AEAD profiles of RFC 7714 §14.2.
const AEAD_PROFILES: [u16; 2] = [0x0007, 0x0008];
/// Profiles that the engine knows: those, and AES128_CM_HMAC_SHA1_80.
const KNOWN_PROFILES: [u16; 3] = [0x0001, 0x0007, 0x0008];

/// Which versions suit this client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The best that both speak.
    Any,
    /// DTLS 1.3 would end with a slow SRTP profile though a fast one is on
    /// offer.
    Dtls12,
}

/// Collects the fragments of the first flight.
#[derive(Debug, Default)]
pub(super) struct ClientHelloReader {
    body: Vec<u8>,
    held: Vec<Vec<u8>>,
}

impl ClientHelloReader {
    /// Takes a datagram; answers once the ClientHello is whole, or once it is
    /// clear that it cannot be read, in which case the engine shall judge it.
    pub(super) fn read(&mut self, packet: &[u8]) -> Option<Verdict> {
        self.held.push(packet.to_vec());
        let mut whole = None;
        for record in Records(packet) {
            match self.take_fragment(record) {
                Ok(None) => {}
                Ok(Some(len)) => whole = Some(len),
                Err(Unreadable) => return Some(Verdict::Any),
            }
        }
        match whole {
            Some(len) => Some(judge(&self.body[..len])),
            None => (self.held.len() >= MAX_HELD).then_some(Verdict::Any),
        }
    }

    /// The datagrams read so far, for the engine.
    pub(super) fn into_held(self) -> Vec<Vec<u8>> {
        self.held
    }

    /// Adds one handshake fragment; `Some(len)` when the message is whole.
    fn take_fragment(&mut self, record: &[u8]) -> Result<Option<usize>, Unreadable> {
        let mut r = Reader(record);
        let (kind, total) = (r.u8()?, r.u24()?);
        let (_message_seq, offset, len) = (r.u16()?, r.u24()?, r.u24()?);
        let fragment = r.take(len)?;
        if kind != 1 || total > MAX_BODY || offset + len > total {
            return Err(Unreadable);
        }
        if offset <= self.body.len() {
            self.body.truncate(offset);
            self.body.extend_from_slice(fragment);
        }
        Ok((self.body.len() >= total).then_some(total))
    }
}

fn judge(body: &[u8]) -> Verdict {
    match srtp_profiles(body) {
        Ok(profiles) => {
            let first = profiles.iter().find(|p| KNOWN_PROFILES.contains(p));
            let aead_offered = profiles.iter().any(|p| AEAD_PROFILES.contains(p));
            if aead_offered && first.is_some_and(|p| !AEAD_PROFILES.contains(p)) {
                Verdict::Dtls12
            } else {
                Verdict::Any
            }
        }
        Err(Unreadable) => Verdict::Any,
    }
}

fn srtp_profiles(body: &[u8]) -> Result<Vec<u16>, Unreadable> {
    let mut r = Reader(body);
    r.take(2 + 32)?; // legacy version, random
    let session_id = usize::from(r.u8()?);
    r.take(session_id)?;
    let cookie = usize::from(r.u8()?);
    r.take(cookie)?;
    let suites = usize::from(r.u16()?);
    r.take(suites)?;
    let compression = usize::from(r.u8()?);
    r.take(compression)?;
    let all = usize::from(r.u16()?);
    let mut extensions = Reader(r.take(all)?);
    while !extensions.0.is_empty() {
        let kind = extensions.u16()?;
        let len = usize::from(extensions.u16()?);
        let mut data = Reader(extensions.take(len)?);
        if kind == EXT_USE_SRTP {
            let list = usize::from(data.u16()?);
            return Ok(data
                .take(list)?
                .chunks_exact(2)
                .map(|p| u16::from_be_bytes([p[0], p[1]]))
                .collect());
        }
    }
    Ok(Vec::new())
}

struct Unreadable;

/// The handshake records of a datagram, without their 13-byte header.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        const HANDSHAKE: u8 = 22;
        let mut r = Reader(self.0);
        let kind = r.u8().ok()?;
        r.take(2 + 2 + 6).ok()?; // version, epoch, sequence number
        let len = usize::from(r.u16().ok()?);
        let fragment = r.take(len).ok()?;
        self.0 = r.0;
        (kind == HANDSHAKE).then_some(fragment)
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], Unreadable> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(Unreadable)?;
        self.0 = tail;
        Ok(head)
    }

    fn u8(&mut self) -> Result<u8, Unreadable> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<u16, Unreadable> {
        let b = self.take(2)?;
        Ok(u16::from_be_bytes([b[0], b[1]]))
    }

    fn u24(&mut self) -> Result<usize, Unreadable> {
        let b = self.take(3)?;
        Ok(usize::from(b[0]) << 16 | usize::from(b[1]) << 8 | usize::from(b[2]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A ClientHello body with the given `use_srtp` profiles.
    fn body(profiles: &[u16], padding: usize) -> Vec<u8> {
        let mut ext = vec![0, 21];
        ext.extend(u16::try_from(padding).unwrap().to_be_bytes());
        ext.extend(vec![0; padding]);
        let list: Vec<u8> = profiles.iter().flat_map(|p| p.to_be_bytes()).collect();
        ext.extend([0, 14]);
        ext.extend(u16::try_from(list.len() + 3).unwrap().to_be_bytes());
        ext.extend(u16::try_from(list.len()).unwrap().to_be_bytes());
        ext.extend(&list);
        ext.push(0);
        let mut body = vec![0xfe, 0xfd];
        body.extend([7; 32]);
        body.extend([0, 0, 0, 2, 0x13, 0x01, 1, 0]);
        body.extend(u16::try_from(ext.len()).unwrap().to_be_bytes());
        body.extend(ext);
        body
    }

    /// The body in datagrams of at most `size` bytes of handshake each.
    fn datagrams(body: &[u8], size: usize) -> Vec<Vec<u8>> {
        let u24 = |n: usize| u32::try_from(n).unwrap().to_be_bytes()[1..].to_vec();
        let mut out = Vec::new();
        for (i, fragment) in body.chunks(size).enumerate() {
            let mut hs = vec![1];
            hs.extend(u24(body.len()));
            hs.extend([0, 0]);
            hs.extend(u24(i * size));
            hs.extend(u24(fragment.len()));
            hs.extend(fragment);
            let mut record = vec![22, 0xfe, 0xfd];
            record.extend([0; 8]);
            record.extend(u16::try_from(hs.len()).unwrap().to_be_bytes());
            record.extend(hs);
            out.push(record);
        }
        out
    }

    fn check(profiles: &[u16], padding: usize, size: usize, expect: Verdict) {
        let mut reader = ClientHelloReader::default();
        let packets = datagrams(&body(profiles, padding), size);
        let (last, first) = packets.split_last().unwrap();
        for packet in first {
            assert_eq!(reader.read(packet), None);
        }
        assert_eq!(reader.read(last), Some(expect));
        assert_eq!(reader.into_held().len(), packets.len());
    }

    #[test]
    fn a_client_that_prefers_aead_may_speak_any_version() {
        check(&[8, 7, 1], 0, 2000, Verdict::Any);
    }

    #[test]
    fn chromiums_order_needs_the_older_version() {
        check(&[1, 8, 7], 0, 2000, Verdict::Dtls12);
    }

    #[test]
    fn a_client_without_aead_may_speak_any_version() {
        check(&[1], 0, 2000, Verdict::Any);
        check(&[], 0, 2000, Verdict::Any);
    }

    #[test]
    fn a_fragmented_hello_is_put_together() {
        check(&[2, 1, 7], 1500, 600, Verdict::Dtls12);
    }

    #[test]
    fn fragments_without_end_are_given_to_the_engine() {
        let mut reader = ClientHelloReader::default();
        let first = &datagrams(&body(&[1], 3000), 100)[0];
        let verdicts: Vec<_> = (0..MAX_HELD).map(|_| reader.read(first)).collect();
        assert_eq!(verdicts.last(), Some(&Some(Verdict::Any)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(packets in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..200), 0..10)) {
            let mut reader = ClientHelloReader::default();
            for p in &packets {
                if reader.read(p).is_some() { break; }
            }
        }
    }
}
