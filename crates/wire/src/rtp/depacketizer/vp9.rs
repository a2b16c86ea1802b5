//! RFC 9628, with spatial layers.

use surecast_media::vp9::{self, Descriptor, MAX_SPATIAL_LAYERS, join_superframe, superframe};

use super::assemble::{Picture, Unit};

/// The layers of one picture become a superframe. Those of them that are frames
/// of several parts are taken apart first.
pub(super) fn assemble(unit: &Unit) -> Option<Picture> {
    let mut layers = Layers::default();
    for payload in unit.payloads() {
        layers.push(payload)?;
    }
    let layers = layers.finish()?;
    let data = match &layers[..] {
        [one] => one.clone().into(),
        several => {
            let frames: Vec<&[u8]> = several.iter().flat_map(|it| superframe(it)).collect();
            join_superframe(&frames)
        }
    };
    Some(Picture {
        keyframe: vp9::is_key_frame(&data),
        format: vp9::format_from_keyframe(&data),
        data,
    })
}

/// Frames of layers as they are put together.
#[derive(Default)]
struct Layers {
    whole: Vec<Vec<u8>>,
    open: bool,
}

impl Layers {
    /// `None` where it does not fit to what came before.
    fn push(&mut self, payload: &[u8]) -> Option<()> {
        let (descriptor, len) = Descriptor::parse(payload)?;
        let data = payload.get(len..)?;
        if descriptor.start_of_frame == self.open {
            return None;
        }
        if descriptor.start_of_frame {
            if self.whole.len() == MAX_SPATIAL_LAYERS {
                return None;
            }
            self.whole.push(Vec::new());
        }
        self.whole.last_mut()?.extend_from_slice(data);
        self.open = !descriptor.end_of_frame;
        Some(())
    }

    fn finish(self) -> Option<Vec<Vec<u8>>> {
        (!self.open).then_some(self.whole)
    }
}
