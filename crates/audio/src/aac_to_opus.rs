//! AAC frames become Opus frames.

use std::sync::Arc;

use surecast_media::frame::{Format, Frame, FrameCodec};

use crate::aac::AacDecoder;
use crate::error::Error;
use crate::opus::OpusSettings;
use crate::pcm_to_opus::PcmToOpus;
use crate::resample::Resampler;
use crate::splice::{Splice, Splicer};

/// What encoders send becomes what rooms speak.
pub struct AacToOpus {
    decoder: AacDecoder,
    splicer: Splicer,
    resampler: Resampler,
    encoder: PcmToOpus,
    /// Used again from frame to frame.
    decoded: Vec<f32>,
    resampled: Vec<f32>,
}

impl AacToOpus {
    /// From AAC of this format.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for AAC that [`AacDecoder`] does not decode,
    /// [`Error::Config`] for what is no AAC.
    pub fn new(format: &Format, settings: OpusSettings) -> Result<Self, Error> {
        if format.codec != FrameCodec::Aac {
            return Err(Error::Config(format!("{} is not AAC", format.codec)));
        }
        let decoder = AacDecoder::new(&format.config)?;
        let (rate, channels) = (decoder.rate(), decoder.channels());
        Ok(Self {
            decoder,
            splicer: Splicer::new(rate, channels),
            resampler: Resampler::new(rate, channels)?,
            encoder: PcmToOpus::new(channels, settings)?,
            decoded: Vec::new(),
            resampled: Vec::new(),
        })
    }

    /// Of the frames that come out.
    #[must_use]
    pub fn format(&self) -> &Arc<Format> {
        self.encoder.format()
    }

    /// See [`AacDecoder::is_core_only`].
    #[must_use]
    pub const fn is_core_only(&self) -> bool {
        self.decoder.is_core_only()
    }

    /// Takes a frame. A damaged one becomes silence.
    ///
    /// # Errors
    ///
    /// When the stage is over: nothing was decodable for two seconds, or a bug
    /// in a codec.
    pub fn push(&mut self, frame: &Frame) -> Result<(), Error> {
        self.decoded.clear();
        if !self.decoder.decode(&frame.data, &mut self.decoded)? {
            return Ok(());
        }
        if let Splice::NewRun(at) = self.splicer.splice(frame.pts, &mut self.decoded) {
            self.flush()?;
            self.encoder.begin(at)?;
        }
        self.resampled.clear();
        self.resampler.push(&self.decoded, &mut self.resampled)?;
        self.encoder.push(&self.resampled)
    }

    /// The stream is over: gives the rest to [`poll`](Self::poll).
    ///
    /// # Errors
    ///
    /// [`Error::Broken`] for a bug in a codec.
    pub fn finish(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.encoder.flush()
    }

    /// The next frame.
    pub fn poll(&mut self) -> Option<Frame> {
        self.encoder.poll()
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.resampled.clear();
        self.resampler.flush(&mut self.resampled)?;
        self.encoder.push(&self.resampled)
    }
}
