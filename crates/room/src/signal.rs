//! Bytes of the signalling connection ↔ messages.

use std::io::Read;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use prost::Message as _;
use thiserror::Error;

use crate::limits::SIGNAL_BYTES;
use crate::proto;

/// Why bytes are not a message.
#[derive(Debug, Error)]
pub enum SignalError {
    /// Larger than [`SIGNAL_BYTES`].
    #[error("{what} is larger than {SIGNAL_BYTES} bytes")]
    TooLarge {
        /// Which part.
        what: &'static str,
    },
    /// Not base64.
    #[error("join_request is not base64: {0}")]
    Base64(#[from] base64::DecodeError),
    /// Not gzip.
    #[error("join_request cannot be decompressed: {0}")]
    Gzip(std::io::Error),
    /// Not protobuf.
    #[error("{what} is not the expected protobuf message: {source}")]
    Protobuf {
        /// Which part.
        what: &'static str,
        /// What prost says.
        source: prost::DecodeError,
    },
    /// Not the JSON form of the message.
    #[error("signal request is not the expected JSON message: {0}")]
    Json(#[from] serde_json::Error),
}

/// A binary frame from a client.
///
/// # Errors
/// Too large, or not a `SignalRequest`.
pub fn decode(bytes: &[u8]) -> Result<proto::SignalRequest, SignalError> {
    const WHAT: &str = "signal request";
    check_size(WHAT, bytes)?;
    proto::SignalRequest::decode(bytes)
        .map_err(|source| SignalError::Protobuf { what: WHAT, source })
}

/// A text frame from a client: protobuf's JSON mapping.
///
/// # Errors
/// Too large, or not a `SignalRequest`.
pub fn decode_json(text: &[u8]) -> Result<proto::SignalRequest, SignalError> {
    check_size("signal request", text)?;
    Ok(serde_json::from_slice(text)?)
}

/// A binary frame for a client.
#[must_use]
pub fn encode(message: &proto::SignalResponse) -> Vec<u8> {
    message.encode_to_vec()
}

/// A text frame for a client that sent text.
#[must_use]
pub fn encode_json(message: &proto::SignalResponse) -> String {
    // Only maps with keys that are no strings can fail here, and there are none.
    serde_json::to_string(message).unwrap_or_default()
}

/// The `join_request` parameter of `/rtc/v1`: base64 (either alphabet, padded
/// or not) of a `WrappedJoinRequest`, whose content may be gzip.
///
/// # Errors
/// Anything of it is not what it should be, or larger than [`SIGNAL_BYTES`].
pub fn decode_join_request(parameter: &str) -> Result<proto::JoinRequest, SignalError> {
    const WRAPPED: &str = "wrapped join request";
    const WHAT: &str = "join request";
    check_size(WRAPPED, parameter.as_bytes())?;
    let bytes = decode_base64(parameter)?;
    let wrapped = proto::WrappedJoinRequest::decode(bytes.as_slice()).map_err(|source| {
        SignalError::Protobuf {
            what: WRAPPED,
            source,
        }
    })?;
    let request = match wrapped.compression() {
        proto::wrapped_join_request::Compression::None => wrapped.join_request,
        proto::wrapped_join_request::Compression::Gzip => gunzip(&wrapped.join_request)?,
    };
    proto::JoinRequest::decode(request.as_slice())
        .map_err(|source| SignalError::Protobuf { what: WHAT, source })
}

/// Entry point for a fuzzer: a frame from a client, in either form.
pub fn fuzz_signal_request(bytes: &[u8]) {
    let _ = decode(bytes);
    let _ = decode_json(bytes);
}

/// Entry point for a fuzzer: a join request as wrapped bytes and as text.
pub fn fuzz_join_request(bytes: &[u8]) {
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let _ = decode_join_request(&engine.encode(bytes));
    let _ = decode_join_request(&String::from_utf8_lossy(bytes));
}

fn check_size(what: &'static str, bytes: &[u8]) -> Result<(), SignalError> {
    if bytes.len() > SIGNAL_BYTES {
        return Err(SignalError::TooLarge { what });
    }
    Ok(())
}

fn decode_base64(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    // A query string turns `+` into a space unless the client escaped it.
    let standard = text.contains(['+', '/', ' ']);
    if standard {
        GeneralPurpose::new(&alphabet::STANDARD, LENIENT).decode(text.replace(' ', "+"))
    } else {
        GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT).decode(text)
    }
}

fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, SignalError> {
    let limit = SIGNAL_BYTES as u64 + 1;
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(bytes)
        .take(limit)
        .read_to_end(&mut out)
        .map_err(SignalError::Gzip)?;
    if out.len() > SIGNAL_BYTES {
        return Err(SignalError::TooLarge {
            what: "decompressed join request",
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    fn sample() -> proto::JoinRequest {
        proto::JoinRequest {
            metadata: "m".repeat(300),
            participant_sid: "PA_x".to_owned(),
            reconnect: true,
            ..Default::default()
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn wrap(join_request: Vec<u8>, compressed: bool) -> Vec<u8> {
        proto::WrappedJoinRequest {
            compression: i32::from(compressed),
            join_request,
        }
        .encode_to_vec()
    }

    #[test]
    fn join_request_in_every_spelling() {
        use base64::engine::general_purpose::{
            STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD,
        };
        let plain = sample().encode_to_vec();
        for wrapped in [wrap(plain.clone(), false), wrap(gzip(&plain), true)] {
            for text in [
                STANDARD.encode(&wrapped),
                STANDARD_NO_PAD.encode(&wrapped),
                URL_SAFE.encode(&wrapped),
                URL_SAFE_NO_PAD.encode(&wrapped),
                STANDARD.encode(&wrapped).replace('+', " "),
            ] {
                assert_eq!(decode_join_request(&text).unwrap(), sample());
            }
        }
    }

    #[test]
    fn a_gzip_bomb_is_refused() {
        let bomb = gzip(&vec![0; SIGNAL_BYTES * 4]);
        let text = base64::engine::general_purpose::URL_SAFE.encode(wrap(bomb, true));
        let error = decode_join_request(&text).unwrap_err();
        assert!(matches!(error, SignalError::TooLarge { .. }), "{error}");
    }

    #[test]
    fn text_frames_carry_protobuf_json() {
        let request = decode_json(br#"{"mute":{"sid":"TR_a","muted":true},"later":1}"#).unwrap();
        let Some(proto::signal_request::Message::Mute(mute)) = request.message else {
            panic!("{request:?}");
        };
        assert_eq!((mute.sid.as_str(), mute.muted), ("TR_a", true));
    }

    proptest! {
        #[test]
        fn decoders_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
            fuzz_signal_request(&bytes);
            fuzz_join_request(&bytes);
        }

        #[test]
        fn damaged_join_requests_never_panic(
            at in 0usize..200, with in any::<u8>(), compressed in any::<bool>(),
        ) {
            let plain = sample().encode_to_vec();
            let mut wrapped = wrap(if compressed { gzip(&plain) } else { plain }, compressed);
            let at = at % wrapped.len();
            wrapped[at] = with;
            fuzz_join_request(&wrapped);
        }
    }
}
