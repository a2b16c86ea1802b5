//! The join request of signalling v1, as a query parameter.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use flate2::Compression;
use flate2::write::GzEncoder;
use livekit_protocol::wrapped_join_request::Compression as Wrapping;
use livekit_protocol::{
    ClientInfo, ConnectionSettings, JoinRequest, SessionDescription, WrappedJoinRequest,
    client_info,
};
use prost::Message as _;

/// Protocol 17 is what `livekit-client` 2.23 speaks. From 18 on data channels
/// are negotiated in another way.
const PROTOCOL: i32 = 17;

/// Base64, in the URL-safe alphabet, of the wrapped and compressed request.
pub(super) fn parameter(subscribe: bool, offer: SessionDescription) -> String {
    let request = JoinRequest {
        client_info: Some(ClientInfo {
            sdk: client_info::Sdk::Rust.into(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL,
            os: std::env::consts::OS.to_owned(),
            device_model: "surecast load".to_owned(),
            ..ClientInfo::default()
        }),
        connection_settings: Some(ConnectionSettings {
            auto_subscribe: subscribe,
            ..ConnectionSettings::default()
        }),
        publisher_offer: Some(offer),
        ..JoinRequest::default()
    };
    let plain = request.encode_to_vec();
    let wrapped = match compress(&plain) {
        Some(join_request) => WrappedJoinRequest {
            compression: Wrapping::Gzip.into(),
            join_request,
        },
        None => WrappedJoinRequest {
            compression: Wrapping::None.into(),
            join_request: plain,
        },
    };
    URL_SAFE.encode(wrapped.encode_to_vec())
}

fn compress(plain: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).ok()?;
    encoder
        .finish()
        .ok()
        .filter(|gzip| gzip.len() < plain.len())
}
