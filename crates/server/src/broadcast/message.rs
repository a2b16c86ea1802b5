//! Data messages of a room as timed data of its program.

use bytes::Bytes;
use prost::Message as _;
use surecast_media::frame::TimedData;
use surecast_room::proto::{self, data_packet};

/// Timed data stands in playlists, tags and packets that everybody downloads;
/// larger messages are for the room alone.
const MAX_BYTES: usize = 8 << 10;

/// What a data packet says to viewers; `None` for packets that are not for them
/// (streams, calls, transcriptions) and for those meant for somebody alone.
pub fn timed_data(packet: &[u8]) -> Option<TimedData> {
    let packet = proto::DataPacket::decode(packet).ok()?;
    if !packet.destination_identities.is_empty() {
        return None;
    }
    match packet.value? {
        data_packet::Value::User(user) if user.payload.len() <= MAX_BYTES => {
            Some(TimedData::Message {
                topic: user.topic.unwrap_or_default(),
                payload: Bytes::from(user.payload),
            })
        }
        _ => None,
    }
}
