//! What a client says about itself when it connects: query parameters (v0) or
//! a packed join request (v1).

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::SocketAddr;

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use surecast_room::proto::{self, client_info};
use surecast_room::signal::{SignalError, decode_join_request};
use surecast_room::{Grants, Join};

/// Signalling version by path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// `/rtc`.
    V0 = 0,
    /// `/rtc/v1`.
    V1 = 1,
}

/// What is wrong with the request itself.
#[derive(Debug, thiserror::Error)]
pub(super) enum BadRequest {
    #[error("join_request is required")]
    JoinRequestMissing,
    #[error(transparent)]
    JoinRequest(#[from] SignalError),
    #[error("cannot decode attributes: they must be a JSON object of strings in base64")]
    Attributes,
}

/// The query parameters; of repeated ones the first counts.
pub(in crate::doors) struct Query(HashMap<String, String>);

impl Query {
    pub(in crate::doors) fn parse(query: Option<&str>) -> Self {
        let mut parameters = HashMap::new();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            parameters
                .entry(Cow::into_owned(name))
                .or_insert_with(|| value.into_owned());
        }
        Self(parameters)
    }

    pub(in crate::doors) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    fn flag(&self, name: &str) -> Option<bool> {
        self.get(name).map(|value| value == "1" || value == "true")
    }

    fn number(&self, name: &str) -> Option<i32> {
        self.get(name)?.parse().ok()
    }

    fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default().to_owned()
    }
}

/// The join that the client asks for. `strict` refuses what is otherwise left
/// out with a log line.
pub(super) fn join(
    version: Version,
    query: &Query,
    grants: Grants,
    strict: bool,
) -> Result<Join, BadRequest> {
    let room = query.text("room");
    match (query.get("join_request"), version) {
        // LiveKit takes a join request on the old path too.
        (Some(packed), _) => Ok(Join::from_request(
            grants,
            room,
            decode_join_request(packed)?,
        )),
        (None, Version::V1) => Err(BadRequest::JoinRequestMissing),
        (None, Version::V0) => from_parameters(query, grants, room, strict),
    }
}

/// The client's address for the participant's log and the administrator. A
/// proxy's word is taken only from our own side of the network.
pub(in crate::doors) fn client_address(from: SocketAddr, headers: &HeaderMap) -> String {
    let ip = from.ip().to_canonical();
    let near = match ip {
        std::net::IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        std::net::IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    };
    let forwarded = headers
        .get("x-forwarded-for")
        .filter(|_| near)
        .and_then(|value| value.to_str().ok());
    let first = forwarded
        .and_then(|list| list.split(',').next())
        .map(str::trim);
    match first.and_then(|text| text.parse::<std::net::IpAddr>().ok()) {
        Some(client) => client.to_string(),
        None => ip.to_string(),
    }
}

fn from_parameters(
    query: &Query,
    grants: Grants,
    room: String,
    strict: bool,
) -> Result<Join, BadRequest> {
    let client = client_info(query);
    let reconnect = query.flag("reconnect").unwrap_or(false);
    let attributes = match query.get("attributes").map(decode_attributes) {
        None => HashMap::new(),
        Some(Some(attributes)) => attributes,
        Some(None) if strict => return Err(BadRequest::Attributes),
        Some(None) => {
            tracing::warn!(
                room,
                participant = grants.identity,
                "join: attributes cannot be decoded, left out"
            );
            HashMap::new()
        }
    };
    Ok(Join {
        grants,
        room,
        publish: query.get("publish").map(str::to_owned),
        protocol: u32::try_from(client.protocol).unwrap_or(0),
        single_connection: false,
        client,
        auto_subscribe: query.flag("auto_subscribe").unwrap_or(true),
        auto_subscribe_data_track: query.flag("auto_subscribe_data_track").unwrap_or(true),
        adaptive_stream: query.flag("adaptive_stream").unwrap_or(false),
        reconnect: reconnect.then(|| query.text("sid")),
        reconnect_reason: reconnect_reason(query),
        attributes,
        ..Join::default()
    })
}

fn reconnect_reason(query: &Query) -> proto::ReconnectReason {
    query
        .number("reconnect_reason")
        .and_then(|reason| reason.try_into().ok())
        .unwrap_or_default()
}

fn client_info(query: &Query) -> proto::ClientInfo {
    proto::ClientInfo {
        sdk: sdk(query.get("sdk").unwrap_or_default()) as i32,
        version: query.text("version"),
        protocol: query.number("protocol").unwrap_or(0),
        client_protocol: query.number("client_protocol").unwrap_or(0),
        os: query.text("os"),
        os_version: query.text("os_version"),
        device_model: query.text("device_model"),
        browser: query.text("browser"),
        browser_version: query.text("browser_version"),
        network: query.text("network"),
        capabilities: capabilities(query.get("capabilities").unwrap_or_default()),
        ..Default::default()
    }
}

fn sdk(name: &str) -> client_info::Sdk {
    use client_info::Sdk;
    match name {
        "ios" | "swift" => Sdk::Swift,
        "reactnative" => Sdk::ReactNative,
        "unityweb" => Sdk::UnityWeb,
        name => Sdk::from_str_name(&name.to_ascii_uppercase()).unwrap_or(Sdk::Unknown),
    }
}

fn capabilities(names: &str) -> Vec<i32> {
    let known = names
        .split(',')
        .filter_map(|name| client_info::Capability::from_str_name(name.trim()));
    // There are a handful; a longer list only repeats them.
    known.map(|capability| capability as i32).take(16).collect()
}

/// `None`: not base64, or not a JSON object of strings.
fn decode_attributes(text: &str) -> Option<HashMap<String, String>> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let standard = text.contains(['+', '/', ' ']);
    let alphabet = if standard { &STANDARD } else { &URL_SAFE };
    let bytes = GeneralPurpose::new(alphabet, LENIENT)
        .decode(text.replace(' ', "+"))
        .ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join_v0(query: &str) -> Join {
        join(
            Version::V0,
            &Query::parse(Some(query)),
            Grants::default(),
            false,
        )
        .unwrap()
    }

    #[test]
    fn parameters_of_a_browser() {
        let join = join_v0(
            "protocol=16&auto_subscribe=0&adaptive_stream=1&sdk=js&version=2.16.1&os=Linux&browser=Chrome&\
             reconnect=1&sid=PA_a&reconnect_reason=3&room=r&attributes=eyJhIjoiYiJ9&capabilities=CAP_X,",
        );
        assert_eq!(
            (join.protocol, join.auto_subscribe, join.adaptive_stream),
            (16, false, true)
        );
        assert_eq!(join.client.sdk(), client_info::Sdk::Js);
        assert_eq!(join.reconnect.as_deref(), Some("PA_a"));
        assert_eq!(join.reconnect_reason as i32, 3);
        assert_eq!(join.attributes["a"], "b");
        assert_eq!(join.room, "r");
    }

    #[test]
    fn defaults_and_nonsense() {
        let join = join_v0("protocol=x&reconnect_reason=99&attributes=%25%25&sdk=toaster");
        assert!(join.auto_subscribe && !join.adaptive_stream && join.reconnect.is_none());
        assert_eq!((join.protocol, join.attributes.len()), (0, 0));
        let query = Query::parse(Some("attributes=%25%25"));
        assert!(super::join(Version::V0, &query, Grants::default(), true).is_err());
        assert!(super::join(Version::V1, &Query::parse(None), Grants::default(), false).is_err());
    }

    #[test]
    fn a_proxy_is_believed_only_nearby() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "203.0.113.9, 10.0.0.1".parse().unwrap());
        assert_eq!(
            client_address("127.0.0.1:1".parse().unwrap(), &headers),
            "203.0.113.9"
        );
        assert_eq!(
            client_address("198.51.100.1:1".parse().unwrap(), &headers),
            "198.51.100.1"
        );
        headers.insert("x-forwarded-for", "<script>".parse().unwrap());
        assert_eq!(
            client_address("[::ffff:10.0.0.1]:1".parse().unwrap(), &headers),
            "10.0.0.1"
        );
    }
}
