//! Sound at 48 kHz becomes Opus frames.

use std::collections::VecDeque;
use std::sync::Arc;

use surecast_media::frame::{Format, Frame, MediaTime};

use crate::error::Error;
use crate::opus::{OpusEncoder, OpusSettings, PACKET};
use crate::pcm::{Pcm, RATE, frame, micros};
use crate::splice::{Splice, Splicer};

/// Encodes runs of samples. The timestamps of a run count its samples from its
/// beginning, less the encoder's delay.
pub struct PcmToOpus {
    encoder: OpusEncoder,
    splicer: Splicer,
    format: Arc<Format>,
    /// Of one instant.
    channels: usize,
    run: MediaTime,
    /// Samples per channel of this run that are encoded.
    encoded: u64,
    /// Less than a packet, between two calls.
    pending: Vec<f32>,
    frames: VecDeque<Frame>,
}

impl PcmToOpus {
    /// For one or two channels.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for other numbers of channels.
    pub fn new(channels: u8, settings: OpusSettings) -> Result<Self, Error> {
        let encoder = OpusEncoder::new(channels, settings)?;
        Ok(Self {
            format: Arc::new(encoder.format()),
            encoder,
            splicer: Splicer::new(RATE, channels),
            channels: usize::from(channels),
            run: MediaTime::default(),
            encoded: 0,
            pending: Vec::new(),
            frames: VecDeque::new(),
        })
    }

    /// Of the frames that come out.
    #[must_use]
    pub fn format(&self) -> &Arc<Format> {
        &self.format
    }

    /// Takes a piece of sound where its time says, as [`splice`](crate::splice)
    /// describes. Not to be mixed with [`begin`](Self::begin).
    ///
    /// # Errors
    ///
    /// [`Error::Broken`] where libopus fails, or for another number of channels.
    pub fn piece(&mut self, mut piece: Pcm) -> Result<(), Error> {
        if usize::from(piece.channels) != self.channels {
            return Err(Error::Broken("Opus codec"));
        }
        if let Splice::NewRun(at) = self.splicer.splice(piece.at, &mut piece.samples) {
            self.begin(at)?;
        }
        self.push(&piece.samples)
    }

    /// The run so far ends, completed with silence, and another begins.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`] where libopus fails.
    pub fn begin(&mut self, at: MediaTime) -> Result<(), Error> {
        self.flush()?;
        self.run = at;
        Ok(())
    }

    /// Goes on with samples, channels side by side.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`] where libopus fails.
    pub fn push(&mut self, samples: &[f32]) -> Result<(), Error> {
        self.pending.extend_from_slice(samples);
        let length = PACKET * self.channels;
        let mut at = 0;
        while self.pending.len() - at >= length {
            let data = self.encoder.encode(&self.pending[at..at + length])?;
            at += length;
            let delay = micros(u64::from(self.encoder.delay()), RATE);
            let start = self.run.plus(micros(self.encoded, RATE) - delay);
            self.encoded += PACKET as u64;
            self.frames.push_back(frame(start, data));
        }
        self.pending.drain(..at);
        Ok(())
    }

    /// The run ends: silence completes its last packet and what the encoder
    /// still holds back.
    ///
    /// # Errors
    ///
    /// [`Error::Broken`] where libopus fails.
    pub fn flush(&mut self) -> Result<(), Error> {
        let held = self.pending.len() / self.channels;
        if self.encoded > 0 || held > 0 {
            let rest = (held + usize::from(self.encoder.delay())).next_multiple_of(PACKET) - held;
            self.push(&vec![0.0; rest * self.channels])?;
        }
        self.encoded = 0;
        Ok(())
    }

    /// The next frame.
    pub fn poll(&mut self) -> Option<Frame> {
        self.frames.pop_front()
    }
}
