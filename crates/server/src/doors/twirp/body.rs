//! Bodies of calls that the room engine does not know.

use serde::Serialize;
use serde::de::DeserializeOwned;
use surecast_room::{ServiceCode, ServiceError};

/// A request.
///
/// # Errors
/// It is not what the method takes.
pub(super) fn decode<M>(body: &[u8], json: bool) -> Result<M, ServiceError>
where
    M: prost::Message + Default + DeserializeOwned,
{
    let malformed = |error: String| {
        let message = format!("the body is not the method's request: {error}");
        ServiceError::new(ServiceCode::Malformed, message)
    };
    if json {
        serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))
    } else {
        M::decode(body).map_err(|error| malformed(error.to_string()))
    }
}

/// An answer.
pub(super) fn encode<M: prost::Message + Serialize>(message: &M, json: bool) -> Vec<u8> {
    if json {
        // Only maps with keys that are no strings can fail, and there are none.
        serde_json::to_vec(message).unwrap_or_default()
    } else {
        message.encode_to_vec()
    }
}
