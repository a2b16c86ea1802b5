//! FLV tags, with Enhanced RTMP v2.
//!
//! An RTMP message of audio, video or script data is the body of an FLV tag, so
//! both protocols share what is here: [`Demuxer`] takes tags and yields items,
//! [`Muxer`] takes items and yields tags, [`Reader`] cuts a byte stream into tags.
//!
//! Specifications: *Video File Format Specification* version 10.1 annex E, and
//! *Enhanced RTMP* version 2 (Veovera).

pub mod amf;
pub mod amf0;
pub mod amf3;
mod clock;
mod cursor;
mod demuxer;
mod error;
mod file;
mod four_cc;
mod mp3;
mod muxer;
mod packet;
mod script;
mod tag;
#[cfg(test)]
mod tests;
mod track;

pub use demuxer::Demuxer;
pub use error::FlvError;
pub use file::{FILE_HEADER_LEN, Reader, file_header};
pub use four_cc::FourCc;
pub use muxer::Muxer;
pub use packet::{Packet, Part, parse_audio, parse_video};
pub use tag::{Role, TAG_HEADER_LEN, Tag, TagKind};

pub(crate) use cursor::Cursor;

/// For fuzzing: any bytes as a file, as the bodies of tags, and as script data.
pub fn fuzz_flv(bytes: &[u8]) {
    let mut reader = Reader::default();
    reader.push(bytes);
    let mut demuxer = Demuxer::default();
    let mut muxer = Muxer::default();
    while let Ok(Some((kind, timestamp, body))) = reader.next_tag() {
        let _ = demuxer.handle_tag(kind, timestamp, body);
        while let Some(item) = demuxer.poll_item() {
            muxer.handle_item(&item);
        }
    }
    while muxer.poll_tag().is_some() {}
    let whole = bytes::Bytes::copy_from_slice(bytes);
    for kind in [TagKind::Audio, TagKind::Video, TagKind::Script] {
        let _ = demuxer.handle_tag(kind, 0, whole.clone());
    }
    if let Ok(values) = amf0::read_all(bytes) {
        values.iter().for_each(|value| {
            let _ = value.to_json();
        });
    }
}
