//! One incoming track: what its packets become.

use std::sync::Arc;

use bytes::Bytes;
use surecast_media::frame::{Format, FrameCodec};
use surecast_media::{aac, av1, h264, h265, opus, vp8, vp9};

use super::{FlvError, mp3};

/// A track's format, and what is needed to read its frames.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) codec: FrameCodec,
    pub(super) format: Option<Arc<Format>>,
    /// Bytes before each NAL unit that tell its length.
    length_size: usize,
    /// The last parameter sets, or the last sequence header, that came with a
    /// frame.
    in_band: Vec<Bytes>,
}

/// A frame's data, ready for others.
pub(super) struct Unit {
    pub(super) data: Bytes,
    pub(super) keyframe: bool,
    /// It begins a new format.
    pub(super) format: Option<Arc<Format>>,
}

impl Track {
    pub(super) const fn new(codec: FrameCodec) -> Self {
        Self {
            codec,
            format: None,
            length_size: 4,
            in_band: Vec::new(),
        }
    }

    /// Takes a decoder's configuration; answers the format where it is a new one.
    pub(super) fn configure(&mut self, config: Bytes) -> Result<Option<Arc<Format>>, FlvError> {
        let format = match self.codec {
            FrameCodec::H264 => {
                self.length_size = h264::parameter_sets(&config).map_or(4, |it| it.length_size);
                h264::format_from_config(config)
            }
            FrameCodec::H265 => {
                self.length_size = h265::parameter_sets(&config).map_or(4, |it| it.length_size);
                h265::format_from_config(config)
            }
            FrameCodec::Av1 => av1::format_from_config(config),
            FrameCodec::Aac => aac::format_from_config(config),
            FrameCodec::Opus => {
                let magic = config.starts_with(b"OpusHead");
                opus::format_from_config(config.slice(if magic { 8 } else { 0 }..))
            }
            // Their key frames say all there is to know, and with its size.
            FrameCodec::Vp8 | FrameCodec::Vp9 | FrameCodec::Mp3 => return Ok(None),
        };
        match format {
            Some(format) => Ok(self.adopt(format)),
            // It may leave the sequence header to the frames, and often does.
            None if self.codec == FrameCodec::Av1 => Ok(None),
            // The frames may bring parameter sets of their own.
            None => Err(FlvError::Damaged("a decoder's configuration")),
        }
    }

    /// Takes a frame. `None` where there is nothing in it, or nobody could decode
    /// it because no configuration came yet.
    pub(super) fn frame(&mut self, data: Bytes, flagged: bool) -> Option<Unit> {
        let unit = match self.codec {
            FrameCodec::H264 => self.h264(&data, flagged),
            FrameCodec::H265 => self.h265(&data, flagged),
            FrameCodec::Av1 => self.av1(&data),
            FrameCodec::Vp8 => self.vp(data, vp8::is_key_frame, vp8::format_from_keyframe),
            FrameCodec::Vp9 => self.vp(data, vp9::is_key_frame, vp9::format_from_keyframe),
            FrameCodec::Mp3 => self.vp(data, |_| true, mp3::format),
            FrameCodec::Aac | FrameCodec::Opus => Unit {
                data,
                keyframe: true,
                format: None,
            },
        };
        (!unit.data.is_empty() && self.format.is_some()).then_some(unit)
    }

    /// Parameter sets in the frames win over those of the configuration: cameras
    /// change them in the middle of a stream.
    fn h264(&mut self, data: &[u8], flagged: bool) -> Unit {
        let units = surecast_media::nal::length_prefixed(data, self.length_size);
        let picture = h264::access_unit(units);
        let sets = [picture.sps.clone(), picture.pps.clone()].concat();
        let mut format = None;
        if !picture.sps.is_empty() && !picture.pps.is_empty() && self.is_news(&sets) {
            format = h264::format(&slices(&picture.sps), &slices(&picture.pps));
        }
        Unit {
            data: picture.data,
            // Encoders with intra refresh have no other entry than the one they flag.
            keyframe: picture.keyframe || flagged,
            format: format.and_then(|format| self.adopt(format)),
        }
    }

    fn h265(&mut self, data: &[u8], flagged: bool) -> Unit {
        let units = surecast_media::nal::length_prefixed(data, self.length_size);
        let picture = h265::access_unit(units);
        let all = [&picture.vps, &picture.sps, &picture.pps];
        let sets: Vec<Bytes> = all.into_iter().flatten().cloned().collect();
        let mut format = None;
        if all.iter().all(|sets| !sets.is_empty()) && self.is_news(&sets) {
            let [vps, sps, pps] = all.map(|sets| slices(sets));
            format = h265::format(&vps, &sps, &pps);
        }
        Unit {
            data: picture.data,
            keyframe: picture.keyframe || flagged,
            format: format.and_then(|format| self.adopt(format)),
        }
    }

    fn av1(&mut self, data: &[u8]) -> Unit {
        let keyframe = av1::is_key_temporal_unit(data);
        let mut format = None;
        if let Some(header) = av1::sequence_header(data).filter(|_| keyframe) {
            let payload = Bytes::copy_from_slice(header.payload);
            if self.is_news(&[payload]) {
                format = av1::format_from_sequence_header(header.whole);
            }
        }
        Unit {
            data: av1::temporal_unit(av1::obus(data)),
            keyframe,
            format: format.and_then(|format| self.adopt(format)),
        }
    }

    fn vp(
        &mut self,
        data: Bytes,
        key: fn(&[u8]) -> bool,
        read: fn(&[u8]) -> Option<Format>,
    ) -> Unit {
        let keyframe = key(&data);
        let format = read(&data).filter(|_| keyframe);
        Unit {
            keyframe,
            format: format.and_then(|format| self.adopt(format)),
            data,
        }
    }

    /// Whether these came with no frame before, nor with the configuration.
    fn is_news(&mut self, sets: &[Bytes]) -> bool {
        if self.in_band == sets {
            return false;
        }
        self.in_band = sets.to_vec();
        let Some(format) = &self.format else {
            return true;
        };
        let known = match self.codec {
            FrameCodec::Av1 => av1::sequence_header_of_config(&format.config)
                .map(|header| vec![Bytes::copy_from_slice(header.payload)])
                .unwrap_or_default(),
            _ => surecast_media::nal::parameter_sets(format),
        };
        sets.iter().any(|set| !known.contains(set))
    }

    fn adopt(&mut self, format: Format) -> Option<Arc<Format>> {
        if self.format.as_deref() == Some(&format) {
            return None;
        }
        let format = Arc::new(format);
        self.format = Some(format.clone());
        Some(format)
    }
}

fn slices(sets: &[Bytes]) -> Vec<&[u8]> {
    sets.iter().map(|set| &set[..]).collect()
}
